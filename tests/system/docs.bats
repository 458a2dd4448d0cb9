#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Help, manual, completion and programs know the same verbs, options and keys: no more and no less, verb by verb.

load lib

# help_options COMMAND...: the options of its --help, one a line.
help_options() {
	"$@" --help | sed -n 's/^   *\(-[^ ].*\)/\1/p' | sed 's/  .*//' | grep -oE -- '--?[a-zA-Z][a-zA-Z-]*' | sort -u
}

# manual_options PAGE [VERB]: the options that its lists explain, of one verb or of no verb. mdoc(7): ".It Fl f , Fl -force".
manual_options() {
	awk -v want="${2-}" '
		/^\.It Cm [a-z]+( |$)/ { verb = $3 }
		/^\.Sh / { verb = "" }
		/^\.It Fl / && verb == want { for (i = 2; i < NF; i++) if ($i == "Fl") print "-" $(i + 1) }' \
		"$ROOT/docs/man/$1" | sort -u
}

# synopsis_options PAGE [VERB]: those that its synopsis has.
synopsis_options() {
	awk -v want="${2-}" '
		/^\.Sh / { inside = $2 == "SYNOPSIS" }
		!inside { next }
		$1 == ".Nm" { verb = "" }
		$1 == ".Cm" && $2 ~ /^[a-z]+$/ { verb = $2 }
		verb == want { for (i = 1; i < NF; i++) if ($i ~ /^\.?Fl$/ && $(i + 1) != "-") for (j = i + 1; j <= NF && $j ~ /^-?[a-zA-Z]/ && $j !~ /^(Ar|Oc|Brc)$/; j++) print "-" $j }' \
		"$ROOT/docs/man/$1" | sort -u
}

# completed FILE WORD...: what the completion offers for the last word, one a line.
completed() {
	bash -c '
		source "$ROOT/completions/$1.bash"
		shift
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*"
		COMP_POINT=${#COMP_LINE}
		f=$(complete -p "$1" | sed "s/.*-F \([^ ]*\) .*/\1/")
		compopt() { :; }
		"$f" "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
		printf "%s\n" "${COMPREPLY[@]}"' - "$@" | sort -u
}

verbs() {
	usn --help | sed -n 's/^  \([a-z][a-z]*\) .*/\1/p' | sort
}

# agree WHAT A B: the two lists, but for --help, which needs no word of its own everywhere.
agree() {
	diff <(grep -vx -- --help <<<"$2") <(grep -vx -- --help <<<"$3") || {
		echo "$1 disagree"
		return 1
	}
}

@test "usn's verbs: help, manual, synopsis and completion agree" { in_sandbox verbs_agree; }
verbs_agree() {
	[ "$(verbs | wc -l)" -ge 6 ]
	agree "help and manual" "$(verbs)" "$(sed -n '/^\.Ss Commands/,/^\.Sh/s/^\.It Cm \([a-z][a-z]*\)\( .*\)*$/\1/p' "$ROOT/docs/man/usn.8" | sort)"
	agree "help and synopsis" "$(verbs)" "$(sed -n '/^\.Sh SYNOPSIS/,/^\.Sh DESC/s/^\.Cm \([a-z][a-z]*\)$/\1/p' "$ROOT/docs/man/usn.8" | sort)"
	agree "help and completion" "$(verbs)" "$(completed usn usn "" | grep -v '^-')"
	# What is named is there.
	for v in $(verbs); do
		usn "$v" --help | has "^usage: usn $v"
	done
}

@test "usn's options: help, manual, synopsis and completion agree, verb by verb" { in_sandbox options_agree; }
options_agree() {
	for v in $(verbs); do
		agree "help and manual of usn $v" "$(help_options usn "$v")" "$(manual_options usn.8 "$v")"
		agree "help and completion of usn $v" "$(help_options usn "$v")" \
			"$(completed usn usn "$v" usn0 - | sed 's/=$//' | grep -v '^--$')"
		# The synopsis has the short names, all of them.
		agree "help and synopsis of usn $v" "$(help_options usn "$v" | grep -E '^-[a-zA-Z]$' || :)" "$(synopsis_options usn.8 "$v")"
	done
}

@test "the options of usn-run, usn-extcap and usnd: help, manual and completion agree" { in_sandbox programs_agree; }
programs_agree() {
	agree "help and manual of usn-run" "$(help_options usn-run)" "$(manual_options usn-run.1)"
	agree "help and completion of usn-run" "$(help_options usn-run)" "$(completed usn-run usn-run - | sed 's/=$//')"
	agree "help and manual of usnd" "$(help_options usnd)" "$(manual_options usnd.8)"
	agree "help and manual of usn-extcap" "$(help_options usn-extcap)" "$(manual_options usn-extcap.1)"
	[ "$(help_options usn-extcap | wc -l)" -ge 16 ]
	[ "$(help_options usn-run | wc -l)" -ge 8 ]
	[ "$(help_options usnd | wc -l)" -ge 4 ]
}

# table_options FILE: the long options that the table in a source file has.
table_options() {
	grep -oE '"[a-z-]+", (no|required|optional)_argument|(WORD|VALUE)\("[a-z-]+"' "$ROOT/agent/$1" |
		sed 's/[^"]*"\([^"]*\)".*/--\1/' | sort -u
}

@test "no option is in a program's table alone" { in_sandbox tables_agree; }
tables_agree() {
	while read -r file command; do
		# shellcheck disable=SC2086
		agree "table and help of $command" "$(table_options "$file")" \
			"$(help_options $command | grep -- ^--)"
	done <<-END
		usn/down.c usn down
		usn/usage.c usn list
		usn/usage.c usn show
		usn/usage.c usn doctor
		usn/ambient.c usn ambient
		usn/bind.c usn bind
		usn/bind.c usn unbind
		usn/tail/dump.c usn dump
		usn-run/main.c usn-run
		usn-extcap/options.c usn-extcap
		usnd/main.c usnd
	END
	# Those of usn tail and usn record are printed from their table.
	[ "$(help_options usn tail | wc -l)" -ge 28 ]
}

# known WORD...: the program does not call any of the words wrong, whatever else it says.
known() {
	local said
	said=$("$@" 2>&1 >/dev/null) || :
	case $said in *"wrong option"* | *"unrecognized"* | *"invalid option"* | *"ambiguous"*)
		echo "$*: $said"
		return 1
		;;
	esac
}

# A value for an option that needs one.
value_for() {
	case $1 in
	-c | --count) echo 1 ;;
	--cgroup) echo nowhere ;;
	-p | --pid) echo 1 ;;
	-r | --run) echo usn0-1 ;;
	-s | --snaplen) echo 100 ;;
	-B | --ring) echo 1M ;;
	-C | --file-size | -G | --rotate | -W | --files) echo 1 ;;
	-n | --comm) echo ping ;;
	-Q | --direction) echo in ;;
	-t | --time) echo real ;;
	-l | --last) echo 30s ;;
	--on-failure-of) echo 3 ;;
	--dump-on-failure) echo "$TMP/failure" ;;
	-w | --write) echo "$TMP/file" ;;
	-u | --unset) echo NAME ;;
	-C | --chdir) echo / ;;
	-x | --except) echo local ;;
	--dns) echo 10.64.0.2 ;;
	esac
}

@test "every option of the manual is known to its program" { in_sandbox documented_is_known; }
documented_is_known() {
	for v in $(verbs); do
		for o in $(manual_options usn.8 "$v") $(synopsis_options usn.8 "$v"); do
			# shellcheck disable=SC2046
			known usn "$v" "$o" $(value_for "$o")
		done
	done
	for o in $(manual_options usn-run.1) $(synopsis_options usn-run.1); do
		# shellcheck disable=SC2046
		known usn-run "$o" $(value_for "$o")
	done
	for o in $(manual_options usn-extcap.1); do
		case $o in
		--capture | --extcap-config | --extcap-dlts | --extcap-interfaces | --help | --version | --immediate) known usn-extcap "$o" ;;
		*) known usn-extcap "$o=1" ;;
		esac
	done
	for o in $(manual_options usnd.8); do
		known usnd "$o" nonsense
	done
	# The reverse: a word that is in no manual is called wrong.
	for command in "usn up" "usn down" "usn list" "usn show" "usn rig" "usn tail" usn-run usn-extcap usnd; do
		# shellcheck disable=SC2086
		if known $command --zzz >/dev/null; then
			return 1
		fi
	done
}

@test "the keys of a device: program, manual, help and completion agree" { in_sandbox keys_agree; }
keys_agree() {
	# As the program itself lists them.
	keys=$({ usn up usn0 Nonsense=1 2>&1 || :; } | grep -oE '[A-Z][A-Za-z]+=' | sort -u)
	[ "$(wc -l <<<"$keys")" -ge 3 ]
	mkdir -p /etc/usn
	printf '[Device]\nNonsense=1\n' >/etc/usn/usn0.conf
	in_file=$({ usn up usn0 2>&1 || :; } | sed 's/.*unknown key//' | grep -oE '[A-Z][A-Za-z]+=' | sort -u)
	rm /etc/usn/usn0.conf
	agree "program and usn.conf.5" "$in_file" "$(sed -n '/^\.It Cm [A-Z]/p' "$ROOT/docs/man/usn.conf.5" | grep -oE '[A-Z][A-Za-z]+=' | sort -u)"
	agree "program and usn.8" "$keys" "$(sed -n 's/^\.It Cm \([A-Z][A-Za-z]*=\).*/\1/p' "$ROOT/docs/man/usn.8" | sort -u)"
	agree "program and help" "$keys" "$(usn up --help | grep -oE '^  [A-Z][A-Za-z]+=' | tr -d ' ' | sort -u)"
	agree "program and completion" "$keys" "$(completed usn usn up usn0 "" | grep -oE '^[A-Z][A-Za-z]+=' | sort -u)"
	# The values that are offered are taken.
	i=0
	for word in $(completed usn usn up usn0 "" | grep -E '^[A-Z].*=.'); do
		usn up "usn$((i++))" "$word"
	done
	[ "$i" -ge 2 ]
}

# manual_counters VERB: those in the table of a verb. mdoc(7): ".It Sy bound Ta sockets bound when they were made".
manual_counters() {
	awk -v want="$1" '
		/^\.It Cm [a-z]+( |$)/ { verb = $3 }
		/^\.Sh / { verb = "" }
		verb == want && /^\.It Sy / { print $3 }' "$ROOT/docs/man/usn.8" | sort
}

@test "the counters of usn show and usn ambient show: program and manual agree" { in_sandbox counters_agree; }
counters_agree() {
	usn up usn0
	verdicts=$(usn show --json usn0 | value "'\n'.join(d['verdicts'])" | sort)
	[ "$(wc -l <<<"$verdicts")" -ge 14 ]
	agree "usn show and usn.8" "$verdicts" "$(manual_counters show)"
	counts=$(usn ambient show --json | value "'\n'.join(k for k in d if type(d[k]) is int)" | sort)
	[ "$(wc -l <<<"$counts")" -ge 3 ]
	agree "usn ambient show and usn.8" "$counts" "$(manual_counters ambient)"
}

# manual_values OPTION: the words in the entry of an option of usn tail.
manual_values() {
	sed -n '/^\.It Cm tail/,/^\.It Cm record/p' "$ROOT/docs/man/usn.8" |
		sed -n "/^\.It Fl $1 /,/^\.It Fl [^$1]/s/^\.Cm \([a-z]*\)\( .*\)*$/\1/p" | sort
}

@test "the words that an option of usn tail takes: program, manual and completion agree" { in_sandbox values_agree; }
values_agree() {
	usn up usn0
	for option in t Q; do
		words=$(manual_values "$option")
		[ "$(wc -l <<<"$words")" -ge 3 ]
		agree "completion and manual of -$option" "$(completed usn usn tail "-$option" "")" "$words"
		# As the program itself lists them.
		said=$({ usn tail "-$option" nonsense usn0 2>&1 || :; } | sed 's/.* is not //;s/: .*//;s/, \| or /\n/g' | sort)
		agree "program and manual of -$option" "$said" "$words"
		for word in $words; do
			# The filter is looked at after the options.
			fails 2 "filter 'nonsense'" usn tail "-$option" "$word" usn0 nonsense
		done
	done
}

@test "usn_tap.3 has every member of the structs that a reader of a tap sees" {
	root=$BATS_TEST_DIRNAME/../..
	for struct in usn_tap_options usn_tap_stats usn_record; do
		members=$(cat "$root"/include/usn.h "$root"/include/usn/abi.h | sed -n "/^struct $struct {/,/^};/p" |
			sed 's#/\*.*##' | grep -oE '[a-z_]+(\[[A-Z_]+\])?;' | sed 's/[[;].*//' | grep -vx reserved | sort -u)
		[ "$(wc -l <<<"$members")" -ge 2 ]
		for member in $members; do
			grep -qE "^\.(It )?Fa (.*, )?$member( |$)" "$root/docs/man/usn_tap.3" || {
				echo "struct $struct: $member"
				return 1
			}
		done
	done
}

@test "no line of the manual is over 100 columns" {
	over=$(awk 'length > 100 { print FILENAME ":" FNR }' "$BATS_TEST_DIRNAME"/../../docs/man/*)
	[ -z "$over" ] || {
		echo "$over"
		false
	}
}

@test "the verdicts: program, abi.h and io.usn agree" { in_sandbox verdicts_agree; }
verdicts_agree() {
	usn up usn0
	shown=$(show usn0 '"\n".join(d["verdicts"])' | sort)
	[ "$(wc -l <<<"$shown")" -ge 14 ]
	agree "program and abi.h" "$shown" "$(sed -n '/^struct usn_counters {/,/^}/s/^\t__u64 \([a-z_]*\);.*/\1/p' "$ROOT/include/usn/abi.h" | sort)"
	agree "program and io.usn" "$shown" "$(sed -n '/^type Verdicts/,/^)/s/^  \([a-z_]*\): int,*$/\1/p' "$ROOT/agent/usnd/service/io.usn.varlink" | sort)"
}

@test "what the manual refers to is there" { in_sandbox references; }
references() {
	# Every page that a page of ours refers to as ours is there.
	for page in "$ROOT"/docs/man/*; do
		for ref in $(sed -n 's/^\.Xr \(usn[a-z.-]*\) \([0-9]\).*/\1.\2/p' "$page"); do
			[ -f "$ROOT/docs/man/$ref" ] || {
				echo "$page: $ref"
				return 1
			}
		done
	done
}

# documents DIR: prints the documents of the project that is there.
documents() {
	find "$1" -name build -prune -o -name '*.md' -print
}

# dead_links DIR: prints each link of a document to a file that is not there.
dead_links() {
	documents "$1" | while read -r file; do
		grep -oE '\]\([^)]+\)' "$file" | sed 's/^](//; s/)$//; s/#.*//' |
			grep -v '^[a-z]*:' | while read -r link; do
			[ -z "$link" ] || [ -e "$(dirname "$file")/$link" ] || echo "$file: $link"
		done || :
	done
}

@test "every link from one document to another file leads there" { in_sandbox links_lead; }
links_lead() {
	[ "$(documents "$ROOT" | wc -l)" -ge 9 ]
	[ -z "$(dead_links "$ROOT")" ]
	# A dead one is found, and an address elsewhere is none.
	mkdir -p "$TMP/docs" "$TMP/build"
	echo '[here](docs/b.md#part), [gone](docs/c.md) [far](https://example.com/)' >"$TMP/a.md"
	echo '[up](../a.md), [part](#part)' >"$TMP/docs/b.md"
	echo '[gone](gone)' >"$TMP/build/c.md"
	[ "$(dead_links "$TMP")" = "$TMP/a.md: docs/c.md" ]
}

# wide_lines DIR: prints each line of a document over 100 columns. A row of a table may be wider,
# and a link by itself.
wide_lines() {
	documents "$1" | LC_ALL=C.UTF-8 xargs grep -nHE '^.{101,}$' |
		grep -vE '^[^:]*:[0-9]*:(\||[-* ]*\[[^]]*\]\([^)]*\)[.,:;]?$)' || :
}

@test "no line of a document is wider than 100 columns" { in_sandbox widths; }
widths() {
	[ -z "$(wide_lines "$ROOT")" ]
	# Columns are counted, not bytes.
	long=$(printf '%0101d' 0)
	printf '%s\n' "$long" "${long#0}" "${long//0/─}" "$(printf '%100s' '' | sed 's/ /─/g')" \
		"| $long |" "- [$long](x)" >"$TMP/a.md"
	[ "$(wide_lines "$TMP" | cut -d: -f2)" = "1
3" ]
}
