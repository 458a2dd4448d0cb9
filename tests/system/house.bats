#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# How the agent's files lead to each other: in no circle, between wings as the table in
# docs/design.md says and in no other way, and by headers that stand alone.

load lib

# includes: a line "FILE FILE" for each file of agent/ that includes another one, without endings.
# pcapng_blocks.c includes pcapng.h, which declares what it defines: a part and its whole are no pair.
includes() {
	grep -rHoE '^#include "[a-z-]+/[^"]*\.h' --include='*.[ch]' agent |
		sed -E 's|^agent/(.*)\.[ch]:#include "(.*)\.h$|\1 \2|' |
		awk '$1 != $2 && index($1, $2 "_") != 1'
}

# calls: the same for each object that needs a function or a variable of another one. Each name is
# of one object, but for main: a name that two have fails.
calls() {
	find agent -name '*.c' | sed 's|\(.*\)\.c$|build/\1.o|' | xargs nm -PA | awk '
		function print_twice(name, a, b) {
			print name " is in " a " and " b >"/dev/stderr"
			return 1
		}
		{ sub(/^build\/agent\//, "", $1); sub(/\.o:$/, "", $1) }
		$3 == "U" { needs[$1 " " $2] }
		$3 ~ /^[A-TV-Z]$/ && $2 != "main" {
			if ($2 in in_file) twice = print_twice($2, in_file[$2], $1)
			in_file[$2] = $1
		}
		END {
			for (need in needs) {
				split(need, n)
				where = in_file[n[2]]
				if (where && where != n[1]) print n[1], where
			}
			exit twice
		}'
}

# no_circle: tsort(1) names the files of a circle, and fails.
no_circle() {
	includes | tsort >/dev/null && calls | tsort >/dev/null
}

@test "no two files of the agent lead to each other" { in_sandbox no_circles; }
no_circles() {
	cd "$ROOT" || return
	no_circle
	[ "$(calls | wc -l)" -gt 400 ]
	[ "$(includes | wc -l)" -gt 400 ]
	calls >/dev/null
	# A circle is found, by calls and by includes, also between two wings.
	cd "$TMP" || return
	mkdir -p agent/base agent/tap build/agent/base build/agent/tap
	echo 'int b(void);' >agent/tap/b.h
	printf '#include "tap/b.h"\nint a(void) { return b(); }\n' >agent/base/a.c
	echo 'int b(void) { return 1; }' >agent/tap/b.c
	planted
	echo 'int a(void); int b(void) { return a(); }' >agent/tap/b.c
	fails_with_circle
	printf '#include "base/a.h"\nint b(void) { return 1; }\n' >agent/tap/b.c
	touch agent/base/a.h
	fails_with_circle
}

planted() {
	cc -Iagent -c agent/base/a.c -o build/agent/base/a.o
	cc -Iagent -c agent/tap/b.c -o build/agent/tap/b.o
	no_circle
}
fails_with_circle() {
	if planted 2>"$TMP/said"; then
		return 1
	fi
	grep -q 'tsort: base/a$' "$TMP/said"
}

# table DESIGN: a line "WING WING" for each that the design lets include the other one, and a line
# "WING ." for each. A row is of a folder, or of a file that is a wing by itself.
table() {
	sed -n '/^## Layout/,/^## [^L]/s/^| `\([a-z.\/-]*\)` |.*| \([^|]*\)|$/\1 \2/p' "$1" |
		tr -d '`,' |
		awk '{ print $1, "."; for (i = 2; i <= NF; i++) print $1, $i }'
}

# arrows DESIGN: the same for what the files include.
arrows() {
	includes | awk '
		function wing(file) {
			if (file ".h" in row) return file ".h"
			sub(/\/[^\/]*$/, "", file)
			return file
		}
		NR == FNR { row[$1]; next }
		{ a = wing($1); b = wing($2); print a, "."; print b, "." }
		a != b { print a, b }' <(table "$1") -
}

# as_designed DESIGN: says where the files and the table differ.
as_designed() {
	diff <(table "$1" | sort -u) <(arrows "$1" | sort -u)
}

@test "wings include each other as the design's table says, no more and no less" {
	in_sandbox wings
}
wings() {
	cd "$ROOT" || return
	[ "$(table docs/design.md | wc -l)" -gt 12 ]
	as_designed docs/design.md
	# An include that the table has not is found, and a row that is of nothing.
	cd "$TMP" || return
	mkdir -p agent/base agent/tap
	echo '#include "base/a.h"' >agent/tap/b.c
	printf '## Layout\n\n| `tap` | x | `base` |\n| `base` | x | |\n' >design.md
	as_designed design.md
	echo '#include "tap/b.h"' >agent/base/c.c
	differs '> base tap'
	rm agent/base/c.c
	echo '| `capture` | x | `base` |' >>design.md
	differs '< capture base'
}

differs() {
	if as_designed design.md >said; then
		return 1
	fi
	grep -qxe "$1" said
}

# alone HEADER LANGUAGE OPTION...
alone() {
	echo "#include \"$1\"" |
		cc -D_GNU_SOURCE -Iagent -Iinclude -Ibpf -Wall -Werror -fsyntax-only -x "${@:2}" -
}

@test "each header compiles alone, and a public one in C++, too" { in_sandbox headers; }
headers() {
	cd "$ROOT" || return
	find agent -name '*.h' | while read -r h; do
		alone "${h#agent/}" c -std=gnu11
	done
	for h in include/*.h include/*/*.h; do
		alone "${h#include/}" c -std=c11
		alone "${h#include/}" c++
	done
}

# sizes FOLDER: "MEDIAN P90 P99 FILE WIDTH": lines of its functions, of its longest file, and columns.
sizes() {
	tests/sizes "$1" | sed -E 's/.*lines median ([0-9]+) p90 ([0-9]+) p99 ([0-9]+) max.*parameters.*lines.* max ([0-9]+);.* widest ([0-9]+)$/\1 \2 \3 \4 \5/'
}

short_functions() {
	sizes "$1" | awk 'NF != 5 || $1 > 11 || $2 > 22 || $3 > 33 { print; bad = 1 } END { exit bad }'
}
small_files() {
	sizes "$1" | awk 'NF != 5 || $4 > 400 || $5 > 100 { print; bad = 1 } END { exit bad }'
}

@test "functions and files stay small, and lines within 100 columns" { in_sandbox sizes_hold; }
sizes_hold() {
	cd "$ROOT" || return
	for folder in agent bpf; do
		short_functions $folder
		small_files $folder
	done
	# One line too many is found, and one column.
	cd "$TMP" || return
	mkdir -p tests one
	cp "$ROOT/tests/sizes" tests/
	git init -q .
	long_function 9
	short_functions one
	long_function 10
	not short_functions one
	printf '%0100d\n' 0 >one/f.c
	small_files one
	printf '\t%093d\n' 0 >one/f.c
	not small_files one
	seq 401 >one/f.c
	not small_files one
}
# long_function N: of N lines behind its name and its brace, the last of them a brace.
long_function() {
	printf 'int f(void)\n{\n' >one/f.c
	seq -f 'g(%g);' "$(($1 - 1))" | sed 's/^/\t/' >>one/f.c
	echo '}' >>one/f.c
}
