#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What make says: a word and a file a line, its targets, and which packages it lacks.

load lib

# build [VARIABLE=VALUE]...: some objects of each kind, in a folder of their own. What it prints.
build() {
	local o="$BATS_TEST_TMPDIR/build"
	rm -rf "$o"
	make -C "$BATS_TEST_DIRNAME/../.." --no-print-directory O="$o" "$@" \
		"$o/agent/base/err.o" "$o/gen/ambient.skel.h"
}

@test "make: a word and a file a line, and no command" {
	run build
	[ "$status" = 0 ]
	[ "${#lines[@]}" = 3 ]
	for line in "${lines[@]}"; do
		[[ $line =~ ^\ \ [A-Z]+\ +[^\ ]+$ ]]
	done
	[[ $output == *"  CC      agent/base/err.c"* ]]
	[[ $output == *"  BPF     bpf/ambient.bpf.c"* ]]
}

@test "make V=1: the commands, and nothing else" {
	run build V=1
	[ "$status" = 0 ]
	[[ $output == *"-c -o $BATS_TEST_TMPDIR/build/agent/base/err.o agent/base/err.c"* ]]
	[[ $output == *" gen skeleton "* ]]
	[[ $output != *"  CC "* ]]
}

@test "make -s: nothing" {
	[ -z "$(build -s 2>&1)" ]
	[ -z "$(build -sj2 2>&1)" ]
}

@test "make help: every target that is phony, with a text, and no other" {
	cd "$BATS_TEST_DIRNAME/../.."
	phony=$(sed -n '/^\.PHONY:/,/[^\\]$/p' Makefile | sed 's/^\.PHONY://; s/\\$//' | xargs -n 1 |
		grep -vx FORCE | sort)
	[ "$(wc -l <<<"$phony")" -ge 16 ]
	diff <(echo "$phony") <(make -s help | sed -n 's/^  make \([a-z-]*\)  *[^ ].*/\1/p' | sort)
	for name in PREFIX DESTDIR LIBDIR EXTCAPDIR CLANG BPFTOOL SAN V; do
		make -s help | has "^  $name=.*  *[^ ]"
	done
}

# bare COMMAND...: on a machine with neither compiler, nor clang, nor pkg-config.
bare() {
	local bin="$BATS_TEST_TMPDIR/bin"
	mkdir -p "$bin"
	for tool in awk bash cat cmp dirname echo env grep make mkdir mv printf rm sed sh uname; do
		ln -sf "$(command -v "$tool")" "$bin"
	done
	cd "$BATS_TEST_DIRNAME/../.."
	PATH="$bin" "$@"
}

# missing: what make said, without make's own word that it ended.
missing() {
	grep -v ' Error 1$\|unfinished jobs' <<<"$output"
}

@test "make without the packages: one line says which, and to run make deps" {
	local none="a C compiler (cc), clang (clang), pkg-config (pkg-config)"
	for target in all tests install skeletons; do
		run bare make -sj2 O="$BATS_TEST_TMPDIR/build" DESTDIR="$BATS_TEST_TMPDIR/root" "$target"
		[ "$status" != 0 ]
		[ "$(missing)" = "make: missing: $none: run \"make deps\" as root" ]
		[ -z "$(find "$BATS_TEST_TMPDIR/build" -name '*.o')" ]
	done
}

@test "make without headers: one line says of what" {
	local none="the headers of the C library"
	for library in libbpf libmnl jansson libpcap libsystemd; do
		none+=", the headers of $library"
	done
	cd "$BATS_TEST_DIRNAME/../.."
	run make -s O="$BATS_TEST_TMPDIR/build" CFLAGS=-nostdinc CLANG=clang-0
	[ "$status" != 0 ]
	[ "$(missing)" = "make: missing: $none, clang (clang-0): run \"make deps\" as root" ]
}

@test "make without the packages: what builds nothing does its work" {
	[ "$(bare make --no-print-directory -n deps)" = tools/deps ]
	[ "$(bare make --no-print-directory -n clean)" = "rm -rf build" ]
	bare make help | has "make deps"
	bare make -s uninstall DESTDIR="$BATS_TEST_TMPDIR/root"
}

# The package manager of a machine where nothing is installed: it says what the real one would,
# fails as often as FAILS has lines, and notes its calls.
fake_packages() {
	mkdir "$TMP/bin" /run/upper /run/work
	mount -t overlay -o lowerdir=/usr/sbin,upperdir=/run/upper,workdir=/run/work overlay /usr/sbin
	rm -f /usr/sbin/policy-rc.d
	printf '#!/bin/sh\nexit 1\n' >"$TMP/bin/dpkg-query"
	cat >"$TMP/bin/apt-get" <<-'END'
		#!/bin/bash
		echo "$*" >>"$TMP/calls"
		case $* in
		*" update") echo "Hit:1" ;;
		*--assume-no*)
			echo "1 upgraded, 80 newly installed, 0 to remove and 3 not upgraded."
			echo "Need to get 132 MB/140 MB of archives."
			echo "After this operation, 583 MB of additional disk space will be used."
			exit 1
			;;
		*" install "*)
			[ -x /usr/sbin/policy-rc.d ]
			echo "Setting up gcc"
			grep -q . "$TMP/fails" 2>/dev/null || exit 0
			sed -i 1d "$TMP/fails"
			echo "E: no" >&2
			exit 100
			;;
		esac
	END
	chmod +x "$TMP/bin"/*
	export PATH="$TMP/bin:$PATH"
}

@test "tools/deps: how much it will be, and nothing else if all goes well" { in_sandbox deps_says_how_much; }
deps_says_how_much() {
	fake_packages
	"$ROOT/tools/deps" demo >"$TMP/out" 2>"$TMP/said"
	[ ! -s "$TMP/out" ]
	[ "$(wc -l <"$TMP/said")" = 2 ]
	head -n 1 "$TMP/said" | has "^tools/deps: installing gcc .* iputils-ping python3"
	[ "$(tail -n 1 "$TMP/said")" = "tools/deps: 81 packages in all, 132 MB to fetch, 583 MB on disk" ]
	# Before anything is installed.
	grep -n . "$TMP/calls" | has '^2:--assume-no '
	grep -n . "$TMP/calls" | has '^3:.* install '
	[ ! -e /usr/sbin/policy-rc.d ]
}

@test "tools/deps: what fails is shown, and tried once more" { in_sandbox deps_tries_twice; }
deps_tries_twice() {
	fake_packages
	echo once >"$TMP/fails"
	"$ROOT/tools/deps" demo 2>"$TMP/said"
	grep -x "E: no" "$TMP/said"
	printf 'once\ntwice\n' >"$TMP/fails"
	if "$ROOT/tools/deps" demo 2>"$TMP/said"; then return 1; fi
	[ "$(grep -cx "E: no" "$TMP/said")" = 2 ]
	# What it said before it failed.
	[ "$(grep -cx "Setting up gcc" "$TMP/said")" = 2 ]
	tail -n 1 "$TMP/said" | has "^tools/deps: could not install: gcc "
}

@test "make demo: the packages of a build and of the demo, no others" { in_sandbox deps_demo_is_small; }
deps_demo_is_small() {
	cd "$ROOT"
	tools/deps --list demo >"$TMP/demo"
	for name in $(tools/deps --list build) python3 util-linux; do
		grep -qx "$name" "$TMP/demo"
	done
	# Of the test laboratory, nothing.
	if grep -E 'qemu|valgrind|ssh|xterm|golang|nodejs|bats|cmocka|tidy' "$TMP/demo"; then return 1; fi
	[ "$(make --no-print-directory -n demo | head -n 1)" = "tools/deps demo" ]
}
