#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Users other than root, by what the device's file says. With systemd as process 1: systemd.bats.

load lib
load ../helpers/net

# as UID [GROUP] -- COMMAND...
as() {
	# What is traced of a function would be taken for what the command says.
	{ set +x; } 2>/dev/null
	local uid=$1 groups=--clear-groups
	shift
	[ "$1" = -- ] || { groups=--groups=$1; shift; }
	shift
	setpriv --reuid="$uid" --regid="$uid" "$groups" -- "$@"
}

# attack UID HOW METHOD [PARAMETERS]: the helper by its text, as its file need not be readable for everybody.
attack() {
	local uid=$1
	shift
	as "$uid" -- python3 -c "$(cat "$ROOT/tests/helpers/varlink.py")" "$@"
}

# The agent as others see it, without the tools.
varlink() { python3 "$ROOT/tests/helpers/varlink.py" "$@"; }

device_for() {
	mkdir -p /etc/usn
	printf '[Device]\nPeer=echo\n' >/etc/usn/usn0.conf
	printf '%s\n' "$@" >>/etc/usn/usn0.conf
	usn up usn0
}

named() {
	device_for User=4001 Group=4100
	as 4001 -- usn-run ND=usn0 -- ping -qc 1 -W 5 10.64.0.2
	as 4002 4100 -- usn-run ND=usn0 -- ping -qc 1 -W 5 10.64.0.2
	as 4100 -- usn-run ND=usn0 -- true
	fails 125 'usn0 is not for 4003: the line User=4003 below [Device] in /etc/usn/usn0.conf would allow it' \
		as 4003 4101 -- usn-run ND=usn0 -- true
	# Nothing is left of it, and the file counts anew each time.
	[ "$(usn show --json usn0 | value "len(d['runs'])")" = 0 ]
	sed -i 's/^User=.*/User=4003 4004/' /etc/usn/usn0.conf
	as 4003 -- usn-run ND=usn0 -- true
	fails 125 'usn0 is not for 4001' as 4001 -- usn-run ND=usn0 -- true
	rm /etc/usn/usn0.conf
	fails 125 'usn0 is not for 4003' as 4003 -- usn-run ND=usn0 -- true
	usn-run ND=usn0 -- true
}
@test "users: who is named in the file, by user or any of his groups, and nobody else" { in_sandbox named; }

wrong_file() {
	device_for User=4001
	echo 'User=no-such-one' >>/etc/usn/usn0.conf
	fails 125 '/etc/usn/usn0.conf:4: User=no-such-one: there is none of this name' as 4001 -- usn-run ND=usn0 -- true
	fails 1 '/etc/usn/usn0.conf:4' usn up usn0
	printf '[Device]\nUser=\n' >/etc/usn/usn0.conf
	fails 125 'usn0 is not for 4001' as 4001 -- usn-run ND=usn0 -- true
	fails 2 'User= counts in the device' usn up usn1 User=4001
}
@test "users: a file with an error lets nobody in, and the command line names nobody" { in_sandbox wrong_file; }

roots_own() {
	local method
	device_for User=4001
	for method in Up Down Bind Unbind Ambient; do
		attack 4001 once $method '{"device":"usn0","on":true,"cgroup":"/","force":true}' |
			has '"error":"io.usn.Denied"'
	done
	usn show usn0
	fails 1 root as 4001 -- usn down usn0
	usn up usn1
	as 4001 -- usn list | has '^usn0 '
	as 4001 -- usn list | no has '^usn1 '
}
@test "users: what is root's is refused by the agent itself" { in_sandbox roots_own; }

no_descriptor() {
	local said
	device_for User=4001
	said=$(attack 4001 once Run '{"device":"usn0"}')
	# With a descriptor of cgroup.procs anybody's process could be moved: there is none, and the asker is inside.
	head -n 1 <<<"$said" | value "d['parameters']['entered']" | has -x True
	[ "$(sed -n 2p <<<"$said")" = 0 ]
	sed -n 3p <<<"$said" | has 'usn/usn0-[0-9]*$'
	# Root has one, and is where it was.
	said=$(varlink once Run '{"device":"usn0"}')
	[ "$(sed -n 2p <<<"$said")" = 1 ]
	sed -n 3p <<<"$said" | no has 'usn/usn0'
}
@test "users: are moved by the agent, and get no descriptor of the cgroup" { in_sandbox no_descriptor; }

orphans() {
	device_for User=4001
	# The process that connected has ended: its number may be anybody's.
	as 4001 -- python3 -c "$(cat "$ROOT/tests/helpers/orphan.py")" | has '"errno":'
	eventually bash -c '[ "$(usn show --json usn0 | grep -c cgroup)" = 0 ] || usn show --json usn0 | grep -q "\"runs\":\[\]"'
}
@test "users: a connection whose process has ended moves nobody" { in_sandbox orphans; }

limits() {
	device_for User=4001
	[ "$(attack 4001 many List)" = 64 ]
	[ "$(attack 4001 many Tap '{"ring_bytes":4096,"snaplen":64}')" = 8 ]
	attack 4001 once Tap '{"ring_bytes":134217728}' | has '64 MiB'
	usn list
}
@test "users: cannot use up the agent's connections or the kernel's memory" { in_sandbox limits; }

bad_filters() {
	local filter
	device_for User=4001
	# A jump beyond the end, an instruction there is none of, no end, one that is none, and far too many.
	for filter in '[[5,0,0,4294967295],[6,0,0,1]]' '[[255,0,0,0],[6,0,0,1]]' '[[0,0,0,0]]' '[[6,0,0]]' '[["6",0,0,0]]' \
		'[]' "[$(printf '[6,0,0,1],%.0s' {1..4096})[6,0,0,1]]"; do
		attack 4001 once Tap "{\"filter\":$filter}" | has '"error":'
	done
	usn list
}
@test "users: a filter that is none is refused" { in_sandbox bad_filters; }

tails() {
	device_for User=4001
	as 4001 -- usn tail -Q out -c 2 --json usn0 udp and port 7 >"$TMP/tail" 2>"$TMP/tail.err" &
	tail_pid=$!
	eventually grep -q 'listening on' "$TMP/tail.err"
	as 4001 -- usn-run ND=usn0 -- bash -c 'echo one >/dev/udp/10.64.0.2/9; echo two >/dev/udp/10.64.0.2/7; echo three >/dev/udp/10.64.0.2/7'
	wait $tail_pid
	[ "$(wc -l <"$TMP/tail")" = 2 ]
	has '"comm":"bash"' <"$TMP/tail"
	fails 1 'usn0 is on the list twice' as 4001 -- usn tail usn0 usn0
	usn up usn1
	fails 1 'usn1 is not for 4001' as 4001 -- usn tail usn0 usn1
	fails 1 'only root can follow all devices' as 4001 -- usn tail all
	# Whatever way it ends, nothing stays in the kernel.
	as 4001 -- usn tail -w /dev/null usn0 2>"$TMP/tail.err" &
	tail_pid=$!
	eventually grep -q 'listening on' "$TMP/tail.err"
	kill -9 $tail_pid
	eventually bash -c '[ -z "$(bpftool -j net show dev usn0 | grep -o usn_tap)" ]'
}
@test "users: usn tail, with a filter, and what it leaves" { in_sandbox tails; }
