#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# How the agent's files lead to each other: in no circle, between folders one way, and by headers
# that stand alone. The way is docs/design.md's, Layout.

load lib

# includes FOLDER: a line "FILE FILE" for each file of agent/FOLDER that includes another one,
# without endings. pcapng_blocks.c includes pcapng.h, which declares what it defines: a part and its
# whole are no pair.
includes() {
	grep -Ho "^#include \"$1/[^/\"]*\.h" "agent/$1"/*.[ch] |
		sed -E 's|.*/([^/]*)\.[ch]:#include ".*/(.*)\.h$|\1 \2|' |
		awk '$1 != $2 && index($1, $2 "_") != 1'
}

# calls FOLDER: the same for each object that needs a function or a variable of another one.
calls() {
	for c in "agent/$1"/*.c; do echo "build/${c%.c}.o"; done | xargs nm -PA | awk '
		{ sub(/.*\//, "", $1); sub(/\.o:$/, "", $1) }
		$3 == "U" { needs[$1 " " $2] }
		$3 ~ /^[A-TV-Z]$/ { in_file[$2] = $1 }
		END {
			for (need in needs) {
				split(need, n)
				where = in_file[n[2]]
				if (where && where != n[1]) print n[1], where
			}
		}'
}

# no_circle FOLDER: tsort(1) names the files of a circle, and fails.
no_circle() {
	includes "$1" | tsort >/dev/null && calls "$1" | tsort >/dev/null
}

no_circles() {
	cd "$ROOT" || return
	for folder in agent/*; do
		no_circle "${folder#agent/}"
	done
	[ "$(calls usnd | wc -l)" -gt 100 ]
	[ "$(includes usnd | wc -l)" -gt 100 ]
	# A circle is found, by calls and by includes.
	cd "$TMP" || return
	mkdir -p agent/base build/agent/base
	echo 'int b(void);' >agent/base/b.h
	printf '#include "base/b.h"\nint a(void) { return b(); }\n' >agent/base/a.c
	echo 'int b(void) { return 1; }' >agent/base/b.c
	planted
	echo 'int a(void); int b(void) { return a(); }' >agent/base/b.c
	fails_with_circle
	printf '#include "base/a.h"\nint b(void) { return 1; }\n' >agent/base/b.c
	touch agent/base/a.h
	fails_with_circle
}
planted() {
	cc -Iagent -c agent/base/a.c -o build/agent/base/a.o
	cc -Iagent -c agent/base/b.c -o build/agent/base/b.o
	no_circle base
}
fails_with_circle() {
	if planted 2>"$TMP/said"; then
		return 1
	fi
	grep -q 'tsort: a$' "$TMP/said"
}
@test "no two files of a folder lead to each other" { in_sandbox no_circles; }

# allowed: a line "FOLDER FOLDER" for each that the design lets include the other, or itself.
allowed() {
	for folder in agent/*; do echo "${folder#agent/} ${folder#agent/}"; done
	sed -n '/^## Layout/,/^## [^L]/s/^    \([a-z-]* → .*\)/\1/p' docs/design.md |
		awk -F ' → ' '{
			for (i = 1; i < NF; i++) for (j = i + 1; j <= NF; j++) print $i, $j
		}'
}

# between: the same for each that does, and with it the file.
between() {
	grep -HoE '^#include "[^/"]*/' agent/*/*.[ch] |
		sed -E 's|^agent/(([^/]*)/.*):#include "(.*)/$|\2 \3 \1|'
}

one_way() {
	cd "$ROOT" || return
	[ "$(allowed | wc -l)" -gt 10 ]
	[ "$(between | wc -l)" -gt 500 ]
	stray=$(between | grep -vFf <(allowed | sed 's/$/ /') || :)
	[ -z "$stray" ]
}
@test "includes between folders point the way that the design has" { in_sandbox one_way; }

# alone HEADER LANGUAGE OPTION...
alone() {
	echo "#include \"$1\"" |
		cc -D_GNU_SOURCE -Iagent -Iinclude -Ibpf -Wall -Werror -fsyntax-only -x "${@:2}" -
}

headers() {
	cd "$ROOT" || return
	for h in agent/*/*.h; do
		alone "${h#agent/}" c -std=gnu11
	done
	for h in include/*.h include/*/*.h; do
		alone "${h#include/}" c -std=c11
		alone "${h#include/}" c++
	done
}
@test "each header compiles alone, and a public one in C++, too" { in_sandbox headers; }
