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
	for library in libbpf libmnl jansson libpcap; do
		none+=", the headers of $library"
	done
	cd "$BATS_TEST_DIRNAME/../.."
	run make -s O="$BATS_TEST_TMPDIR/build" CFLAGS=-nostdinc CLANG=clang-0
	[ "$status" != 0 ]
	[ "$(missing)" = "make: missing: $none, clang (clang-0): run \"make deps\" as root" ]
}

@test "make without the packages: what builds nothing does its work" {
	[ "$(bare make -n deps)" = tools/deps ]
	[ "$(bare make -n clean)" = "rm -rf build" ]
	bare make help | has "make deps"
	bare make -s uninstall DESTDIR="$BATS_TEST_TMPDIR/root"
}
