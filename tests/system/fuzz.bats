#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The fuzzers: each is written down, has inputs of its own, and finds nothing in those and in what
# comes of them in two seconds. tests/fuzz/README.md has the rest.

load lib

cd "$BATS_TEST_DIRNAME/../.." || exit

# needs_libfuzzer: skips the test where clang has none.
needs_libfuzzer() {
	echo 'int LLVMFuzzerTestOneInput(void) { return 0; }' |
		clang -fsanitize=fuzzer -x c - -o "$BATS_TEST_TMPDIR/try" 2>/dev/null ||
		skip "no libFuzzer"
}

@test "fuzz: each fuzzer has a row in the table and a folder of inputs, and no other has" {
	tests/fuzz/run --list >"$BATS_TEST_TMPDIR/names"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/names")" -ge 10 ]
	diff "$BATS_TEST_TMPDIR/names" \
		<(sed -n 's/^| `\([a-z_]*\)` | .* | .* |$/\1/p' tests/fuzz/README.md)
	diff "$BATS_TEST_TMPDIR/names" <(LC_ALL=C ls tests/fuzz/corpus)
	for folder in tests/fuzz/corpus/*; do
		[ -n "$(ls "$folder")" ]
	done
	# What is kept is little.
	[ "$(cat tests/fuzz/corpus/*/* | wc -c)" -lt 300000 ]
	for dict in tests/fuzz/*.dict; do
		name=${dict%.dict}
		ls "${name}"*_fuzz.c
	done
}

@test "fuzz: the kept inputs of each fuzzer, and two seconds more" {
	needs_libfuzzer
	run tests/fuzz/run --seconds 2 --kept
	echo "$output"
	[ "$status" = 0 ]
	[ "$(grep -c ': [0-9]* inputs in [0-9]* s, nothing found; ' <<<"$output")" = \
		"$(tests/fuzz/run --list | wc -l)" ]
}

# planted: makes $tree, which is this one but for its fuzzers. The one there reads a byte behind its
# input.
planted() {
	tree=$BATS_TEST_TMPDIR/tree
	mkdir -p "$tree/tests/fuzz"
	ln -s "$PWD"/* "$tree" 2>/dev/null || :
	cp tests/fuzz/run tests/fuzz/fuzz.h "$tree/tests/fuzz"
	cat >"$tree/tests/fuzz/planted_fuzz.c" <<-'END'
		#include "fuzz.h"
		int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
		{
			return size > 2 && data[0] == 'u' && data[1] == 's' && data[size] == 'n';
		}
	END
}

@test "fuzz: a fault ends with status 1, its line, and the file with the input" {
	needs_libfuzzer
	planted
	run "$tree/tests/fuzz/run" --seconds 60 planted
	rm -rf build/san-*/fuzz/planted*.d build/san-*/fuzz/planted
	[ "$status" = 1 ]
	[[ ${lines[0]} == "planted: FOUND after "* ]]
	[[ ${lines[1]} == *"ERROR: AddressSanitizer: heap-buffer-overflow"* ]]
	[ -f "${lines[2]##* }" ]
	grep -q ^us "${lines[2]##* }"
	rm -rf build/san-*/fuzz/planted*
}

@test "fuzz: without libFuzzer there is one line" {
	export FUZZ_CC=gcc
	run tests/fuzz/run
	[ "$status" = 1 ]
	[ "$output" = 'tests/fuzz/run: gcc has no libFuzzer: run "make deps" as root' ]
}

@test "fuzz: wrong words: the fuzzers there are, and status 2" {
	run tests/fuzz/run nonsense
	[ "$status" = 2 ]
	[[ $output == "tests/fuzz/run: there is no fuzzer 'nonsense': answers "* ]]
	run tests/fuzz/run --seconds 1m
	[ "$status" = 2 ]
}
