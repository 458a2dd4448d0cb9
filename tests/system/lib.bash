# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# For the system tests. A test is a function that in_sandbox runs in namespaces of its own: "set -eu" holds there, and
# every command that fails fails the test.

# in_sandbox FUNCTION: also what a test file loads this for.
in_sandbox() {
	# shellcheck disable=SC2046,SC2163
	export -f $(compgen -A function | grep -vE '^(bats_|run$|setup|teardown|load)')
	export ROOT="$BATS_TEST_DIRNAME/../.." TMP="$BATS_TEST_TMPDIR"
	"$ROOT/tools/sandbox" bash -eux -o pipefail -c "$1"
}

# fails STATUS 'TEXT' COMMAND...: the command must exit with STATUS and say one line, with TEXT in it.
fails() {
	local want=$1 text=$2 out status=0
	shift 2
	out=$("$@" 2>&1 >/dev/null) || status=$?
	[ "$status" = "$want" ] || { echo "'$*' exited with $status, not $want: $out"; return 1; }
	[ "$(printf '%s\n' "$out" | wc -l)" = 1 ] || { echo "'$*' said more than one line: $out"; return 1; }
	case $out in *"$text"*) ;; *) echo "'$*' said: $out"; return 1 ;; esac
}

# has [OPTION]... PATTERN: grep -q that reads all of its input, so that what writes it does not die of SIGPIPE.
has() {
	local all
	all=$(cat)
	grep -q "$@" <<<"$all"
}

# How long something may take that takes no time, in seconds: only what fails waits so long, and a machine may be busy.
export PATIENCE=${PATIENCE-60}

# eventually COMMAND...: tries until it succeeds. For what the kernel does in its own time.
eventually() {
	local end=$((SECONDS + PATIENCE))
	until "$@"; do
		[ $SECONDS -lt $end ] || { echo "never came true: $*"; return 1; }
		sleep 0.02
	done
}

# value JSON-PATH FILE-OR-STDIN: a python expression over the parsed document d.
value() {
	python3 -c 'import json,sys; d=json.load(sys.stdin); print(eval(sys.argv[1]))' "$1"
}

show() {
	usn show --json "$1" | value "$2"
}

# show_link {pinned FILE | id NUMBER}: bpftool's JSON of one link; fails if there is no such link.
# The bpftool 7.5 of Debian 13 exits with 255 after it has shown one link, because its status comes
# from an errno of before. So what bpftool says counts here, and not its status.
show_link() {
	local said
	said=$(bpftool -j link show "$@") || :
	case $said in '{"id":'*) printf '%s\n' "$said" ;; *) return 1 ;; esac
}

# flood COUNT [N]: datagrams of 44 bytes out on usnN, with their numbers in the first four; prints how many the kernel took.
flood() {
	local n=${2-0}
	usn-run ND=usn"$n" -- "$ROOT/build/tests/udp_flood" 10.64."$n".9 9 "$1"
}

# The pid of the agent in this sandbox.
agent_pid() {
	local tree
	tree=$(awk '{ for (i = 7; i < NF; i++) if ($i == "-" && $(i + 1) == "cgroup2") p = $5 } END { print p }' /proc/self/mountinfo)
	for p in $(cat "$tree/cgroup.procs"); do
		[ "$(cat "/proc/$p/comm" 2>/dev/null)" != usnd ] || echo "$p"
	done
}

cgroup_tree() {
	awk '{ for (i = 7; i < NF; i++) if ($i == "-" && $(i + 1) == "cgroup2") p = $5 } END { print p }' /proc/self/mountinfo
}
