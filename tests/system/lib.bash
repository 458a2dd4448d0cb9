# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# For the system tests. A test is a function that in_sandbox runs in namespaces of its own, under
# "set -eu": every command that fails fails the test. tests/README.md lists all helpers.

# in_sandbox FUNCTION: runs it with all functions of the suite and its helpers, and with $ROOT, the
# project's folder, and $TMP, a folder of the test.
in_sandbox() {
	# shellcheck disable=SC2046,SC2163
	export -f $(compgen -A function | grep -vE '^(bats_|run$|setup|teardown|load)')
	export ROOT="$BATS_TEST_DIRNAME/../.." TMP="$BATS_TEST_TMPDIR"
	"$ROOT/tools/sandbox" bash -eux -o pipefail -c "$1"
}

# fails STATUS TEXT COMMAND...: it must exit with STATUS and say one line, which has TEXT in it.
fails() {
	local want=$1 text=$2 out status=0
	shift 2
	out=$("$@" 2>&1 >/dev/null) || status=$?
	[ "$status" = "$want" ] || { echo "'$*' exited with $status, not $want: $out"; return 1; }
	[ "$(printf '%s\n' "$out" | wc -l)" = 1 ] || { echo "'$*' said more than one line: $out"; return 1; }
	case $out in *"$text"*) ;; *) echo "'$*' said: $out"; return 1 ;; esac
}

# not COMMAND...: fails if the command succeeds, or is not there. ("! COMMAND" does not end a script
# under "set -e".)
not() {
	command -v "$1" >/dev/null || { echo "there is no command '$1'"; return 1; }
	if "$@"; then
		echo "succeeded: $*"
		return 1
	fi
}

# has [OPTION]... PATTERN: grep -q that reads all of its input, so that what writes it does not die
# of SIGPIPE.
has() {
	local all
	all=$(cat)
	grep -q "$@" <<<"$all"
}

# How long something may take that takes no time, in seconds: only what fails waits so long, and a
# machine may be busy.
export PATIENCE=${PATIENCE-60}

# eventually COMMAND...: tries until it succeeds. For what the kernel does in its own time.
eventually() {
	local end=$((SECONDS + PATIENCE))
	until "$@"; do
		[ $SECONDS -lt $end ] || { echo "never came true: $*"; return 1; }
		sleep 0.02
	done
}

# value EXPRESSION: prints what the Python expression gives for the JSON document d on standard
# input.
value() {
	python3 -c 'import json,sys; d=json.load(sys.stdin); print(eval(sys.argv[1]))' "$1"
}

# show DEVICE EXPRESSION: prints what the expression gives for usn show's document of the device.
show() {
	usn show --json "$1" | value "$2"
}

# show_is DEVICE EXPRESSION: whether the expression is true of the device; for eventually.
show_is() {
	[ "$(show "$1" "$2")" = True ]
}

# no_device NAME: there is no interface of this name.
no_device() {
	not ip link show dev "$1" 2>/dev/null
}

# show_link {pinned FILE | id NUMBER}: bpftool's JSON of one link; fails if there is no such link.
# The bpftool 7.5 of Debian 13 exits with 255 after it has shown one link, because its status comes
# from an errno of before. So what bpftool says counts here, and not its status.
show_link() {
	local said
	said=$(bpftool -j link show "$@") || :
	case $said in '{"id":'*) printf '%s\n' "$said" ;; *) return 1 ;; esac
}

# addresses DEVICE: prints the addresses that the kernel has for an interface, sorted, on one line.
addresses() {
	ip -json addr show dev "$1" |
		value '" ".join(sorted("%s/%d" % (a["local"], a["prefixlen"]) for a in d[0]["addr_info"]))'
}

# link DEVICE KEY: prints one value of ip link show's document of the interface.
link() {
	ip -json -details link show dev "$1" | value "d[0][\"$2\"]"
}

# ping_from DEVICE ADDRESS [OPTION]...: sends one ping from a run; whether it was answered.
ping_from() {
	usn-run "ND=$1" -- ping -n -q -c 1 -W 0.2 "${@:3}" "$2" >/dev/null
}

# flood COUNT [N]: sends datagrams of 44 bytes out on usnN, with their numbers in the first four
# bytes; prints how many the kernel took.
flood() {
	local n=${2-0}
	usn-run ND=usn"$n" -- "$ROOT/build/tests/udp_flood" 10.64."$n".9 9 "$1"
}

# cgroup_tree: prints where the sandbox's cgroup v2 tree is mounted.
cgroup_tree() {
	awk '{ for (i = 7; i < NF; i++) if ($i == "-" && $(i + 1) == "cgroup2") p = $5 } END { print p }' \
		/proc/self/mountinfo
}

# agent_pid: prints the process of each agent in this network namespace, wherever its cgroup is.
agent_pid() {
	local p
	for p in $(grep -ls '^usnd$' /proc/[0-9]*/comm | cut -d/ -f3); do
		[ "$(readlink "/proc/$p/ns/net" 2>/dev/null)" != "$(readlink /proc/self/ns/net)" ] || echo "$p"
	done
}

# no_agent: there is no agent; for eventually.
no_agent() {
	[ -z "$(agent_pid)" ]
}

# ended PID: whether the process has ended; its parent may have to wait for it still.
ended() {
	case $(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null) in "" | [ZX]*) ;; *) return 1 ;; esac
}

# end_agent SIGNAL: sends it to the agent, and waits for the agent's end.
end_agent() {
	local pid
	pid=$(agent_pid)
	kill "-$1" "$pid"
	eventually ended "$pid"
}

# nothing_left: once the agent that was started on demand has ended, there is no interface, pin, cgroup,
# socket or agent.
nothing_left() {
	eventually no_agent
	[ -z "$(ip -o link show | sed -n '/^[0-9]*: usn[0-9]/p')" ]
	[ ! -e /sys/fs/bpf/usn ] && [ ! -e /sys/fs/bpf/usn-new ]
	[ ! -e /run/usn/usnd.sock ]
	[ -z "$(cgroup_tree)" ] || [ ! -e "$(cgroup_tree)/usn" ]
	[ -z "$(ip -6 route show default)" ]
}
