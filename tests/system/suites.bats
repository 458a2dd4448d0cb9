#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# How the system tests are written: a name above each test, and each helper once, known by a list.

load lib

HELPERS='tests/system/lib.bash tests/helpers/*.bash'
export HELPERS

# signatures FILE...: prints a line a helper: its name and arguments, as its comment begins; if the
# comment begins with anything else, the name and "?".
signatures() {
	awk '
		/^#/ { if (!comment) comment = substr($0, 3); next }
		/^[a-z_0-9]+\(\) \{/ {
			name = substr($1, 1, length($1) - 2)
			sub(/: .*|:$/, "", comment)
			split(comment, word, " ")
			print word[1] == name ? comment : name " ?"
		}
		{ comment = "" }' "$@"
}

# listed: tests/README.md lists the helpers, each with its arguments, and no others.
listed() {
	# shellcheck disable=SC2086
	diff <(signatures $HELPERS | sort) \
		<(sed -n '/^## Helpers/,$s/^| `\([^`]*\)` *|.*/\1/p' tests/README.md | sed 's/\\|/|/g' | sort)
}

@test "suites: the list of helpers has each with its arguments, and no others" { in_sandbox helpers_listed; }
helpers_listed() {
	cd "$ROOT" || return
	listed
	for file in tests/helpers/*; do
		grep -qF "[$(basename "$file")](" tests/README.md
	done
	# A helper that is not on the list is found, and one without its arguments.
	cp --parents -r tests/README.md tests/system tests/helpers "$TMP"
	cd "$TMP/tests/.." || return
	listed
	sed -i 's/^# tap NAME OPTION.*: /# A tap: /' tests/helpers/tap.bash
	echo 'extra() { :; }' >>tests/helpers/net.bash
	not listed >"$TMP/said"
	grep -x '< tap ?' "$TMP/said"
	grep -x '< extra ?' "$TMP/said"
}

# names FILE...: prints the functions that the files define, each as often as it is defined.
names() {
	sed -n 's/^\t*\([a-z_0-9]*\)() .*/\1/p' "$@" | sort
}

# twins FILE...: prints each function that stands in several files, or in one twice.
twins() {
	awk '
		/^[a-z_0-9]+\(\) \{/ { body = ""; inside = 1 }
		inside { body = body $0 "\n" }
		inside && (/^}$/ || /^[a-z_0-9]+\(\).*}$/) { if (seen[body]++ == 1) print body; inside = 0 }' "$@"
}

@test "suites: each helper is there once, and its name means nothing else" { in_sandbox helpers_once; }
helpers_once() {
	cd "$ROOT" || return
	# shellcheck disable=SC2086
	names $HELPERS >"$TMP/helpers"
	[ "$(wc -l <"$TMP/helpers")" -gt 50 ]
	[ -z "$(uniq -d "$TMP/helpers")" ]
	[ -z "$(comm -12 "$TMP/helpers" <(names tests/system/*.bats | uniq))" ]
	[ -z "$(twins tests/system/*.bats)" ]
	# One that is there twice is found.
	printf 'it() {\n\ttrue\n}\n' | tee "$TMP/one" >"$TMP/other"
	twins "$TMP/one" "$TMP/other" | has -F 'it() {'
}

# name_below FILE...: prints each test's function that does not begin right below the test's name.
name_below() {
	awk '
		function missed() { if (name) print name; name = "" }
		FNR == 1 { missed() }
		name && index($0, name "() {") != 1 { missed() }
		{ name = "" }
		/^@test "/ { inside = 1; called = "" }
		inside && match($0, /in_sandbox [a-z_0-9]+/) { called = substr($0, RSTART + 11, RLENGTH - 11) }
		inside && /^(@test.*)?}$/ { name = called; inside = 0 }
		END { missed() }' "$@"
}

@test "suites: the name of a test stands right above its body" { in_sandbox names_above; }
names_above() {
	cd "$ROOT" || return
	[ -z "$(name_below tests/system/*.bats)" ]
	# One that stands below is found.
	printf '%s\n' 'body() {' '	true' '}' "@test \"a name\" { in_""sandbox body; }" >"$TMP/suite"
	[ "$(name_below "$TMP/suite")" = body ]
}

@test "suites: none has more than 400 lines" { in_sandbox short_suites; }
short_suites() {
	cd "$ROOT" || return
	wc -l tests/system/*.bats | awk '$2 != "total" && $1 > 400' >"$TMP/long"
	[ ! -s "$TMP/long" ]
}

@test "suites: what must fail is there, and fails" { in_sandbox must_fail; }
must_fail() {
	not false
	if not true || not no_such_helper; then return 1; fi
	[ "$(not true || :)" = 'succeeded: true' ]
	[ "$(not no_such_helper || :)" = "there is no command 'no_such_helper'" ]
}
