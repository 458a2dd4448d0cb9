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
