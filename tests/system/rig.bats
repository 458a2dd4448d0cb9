#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# usn rig: the program behind a device, while it lives and afterwards.

load lib
load ../helpers/net

# rig NAME COMMAND...: on usn0, in the background; it is the rig when this returns.
rig() {
	local name=$1
	shift
	usn rig usn0 -- "$@" &
	eval "${name}_pid=$!"
	eventually rig_is "$!"
}
rig_is() { usn show usn0 | has "^  behind  *rig $1/"; }

# stop NAME [SIGNAL]: and the peer is back.
stop() {
	kill -"${2-KILL}" "$(pid_of "$1")"
	wait "$(pid_of "$1")" || :
	eventually not rig_is "[0-9]*"
}

answers() { usn-run ND=usn0 -- ping -q -c 2 -i 0.01 -W 5 "$1"; }
silent() { not usn-run ND=usn0 -- ping -q -c 1 -W 0.1 "$1"; }

@test "rig: the example rigs answer while they live, and then the peer does" { in_sandbox examples; }
examples() {
	usn up usn0 Peer=echo
	for to in 192.0.2.1 2001:db8::1; do
		silent $to
	done
	for example in "$ROOT/build/examples/rig_echo" "python3 $ROOT/docs/examples/rig_echo.py"; do
		# shellcheck disable=SC2086
		rig echo $example
		answered=$(show usn0 'd["peer_answered"]')
		for to in 10.64.0.2 fd75:736e::2 192.0.2.1 2001:db8::1; do
			answers $to
		done
		[ "$(show usn0 'd["peer_answered"]')" = "$answered" ]
		stop echo TERM
		# The peer is the one it was.
		for to in 10.64.0.2 fd75:736e::2; do
			answers $to
		done
		for to in 192.0.2.1 2001:db8::1; do
			silent $to
		done
		[ "$(show usn0 'd["peer_answered"]')" -ge $((answered + 4)) ]
	done
}

@test "rig: what its command gets" { in_sandbox environment; }
environment() {
	usn up usn0 usn7
	for device in usn0 usn7; do
		# shellcheck disable=SC2016
		[ "$(usn rig $device -- sh -c 'echo $USN_FD $USN_DEVICE "$@"; grep ^iff: "/proc/$$/fdinfo/$USN_FD"' - 'a  b' | xargs)" = \
			"3 $device a b iff: $device" ]
		# A descriptor 3 of the caller's makes no difference, and no other queue is passed on.
		# shellcheck disable=SC2016
		[ "$(usn rig $device -- sh -c 'grep -h ^iff: /proc/$$/fdinfo/*' 3</dev/null 4</dev/null | xargs)" = "iff: $device" ]
	done
}

@test "rig: its status is its command's" { in_sandbox statuses; }
statuses() {
	usn up usn0
	for status in 0 1 7 125 255; do
		got=0
		usn rig usn0 -- sh -c "exit $status" || got=$?
		[ $got = $status ]
	done
	got=0
	# shellcheck disable=SC2016
	usn rig usn0 -- sh -c 'kill -TERM $$' || got=$?
	[ $got = 143 ]
	fails 127 "cannot run 'no-such-program'" usn rig usn0 -- no-such-program
	fails 126 "cannot run '/etc'" usn rig usn0 -- /etc
	fails 1 "usn1" usn rig usn1 -- true
	fails 2 "not a device name" usn rig eth0 -- true
	fails 2 "which command" usn rig usn0 --
	fails 2 "which device" usn rig
	# None of them is still the rig.
	eventually not rig_is "[0-9]*"
	usn rig usn0 true
}

@test "rig: a second one is refused" { in_sandbox second; }
second() {
	usn up usn0 usn1
	rig first "$ROOT/build/examples/rig_echo"
	fails 1 "usn0 has a rig already: process $(pid_of first)" usn rig usn0 -- true
	answers 192.0.2.1
	usn rig usn1 -- true
	stop first
	usn rig usn0 -- true
}

@test "rig: the device outlives it, unchanged" { in_sandbox device_stays; }
device_stays() {
	usn up usn0 Address=192.0.2.1/24 Address=2001:db8::1/64 MTU=1400
	state() { ip -j addr show usn0 | value '[d[0][k] for k in ("ifindex", "mtu", "flags", "addr_info")]'; }
	before=$(state)
	for signal in TERM KILL; do
		rig echo "$ROOT/build/examples/rig_echo"
		[ "$(state)" = "$before" ]
		stop echo $signal
		[ "$(state)" = "$before" ]
	done
	# A run that had begun before goes on, and gets answers from the next rig.
	steps app usn-run ND=usn0 --
	expect app ok "s = make(V4, RAW, 1); s.connect(('192.0.2.9', 0))"
	rig echo "$ROOT/build/examples/rig_echo"
	expect app 8 's.send(bytes([8, 0, 0xf7, 0xff, 0, 0, 0, 0]))'
	expect app 28 'len(s.recv(99))'
}

stopped() { grep -q '^State:.T' "/proc/$1/status"; }

@test "rig: what it leaves in the queue is the peer's" { in_sandbox queued; }
queued() {
	quiet
	rig echo "$ROOT/build/examples/rig_echo"
	kill -STOP "$(pid_of echo)"
	eventually stopped "$(pid_of echo)"
	before=$(show usn0 'd["peer_read"]')
	[ "$(flood 3000)" = 3000 ]
	[ "$(show usn0 'd["peer_read"]')" = "$before" ]
	stop echo
	eventually show_is usn0 "d['peer_read'] >= $((before + 3000))"
	[ "$(show usn0 'd["peer_read"], d["out"]["dropped"]')" = "($((before + 3000)), 0)" ]

	# From one rig to the next, and more than the queue holds: what it dropped is counted.
	rig reader sleep infinity
	[ "$(flood 6000)" = 6000 ]
	dropped=$(show usn0 'd["out"]["dropped"]')
	[ "$dropped" -gt 0 ]
	[ "$dropped" -lt 3000 ]
	stop reader
	eventually show_is usn0 "d['peer_read'] >= $((before + 9000 - dropped))"
	[ "$(show usn0 'd["peer_read"], d["out"]["dropped"]')" = "($((before + 9000 - dropped)), $dropped)" ]
}

@test "rig: goes on without the agent, and the next one finds it" { in_sandbox agent_killed; }
agent_killed() {
	usn up usn0 Peer=echo
	rig echo "$ROOT/build/examples/rig_echo"
	end_agent KILL
	# No agent is needed, neither for the rig nor for the run's program.
	ping -q -c 2 -i 0.01 -W 5 -I usn0 192.0.2.1
	[ "$(usn list --json | value 'd["devices"][0]["rig"]["pid"]')" = "$(pid_of echo)" ]
	[ -n "$(agent_pid)" ]
	fails 1 "usn0 has a rig already: process $(pid_of echo)" usn rig usn0 -- true
	answers 192.0.2.1
	[ "$(show usn0 'd["peer_answered"]')" = 0 ]
	stop echo
	answers 10.64.0.2
	silent 192.0.2.1
	[ "$(show usn0 'd["peer_answered"]')" -ge 2 ]

	# The rig has gone while there was no agent.
	rig echo "$ROOT/build/examples/rig_echo"
	end_agent KILL
	kill -9 "$(pid_of echo)"
	wait "$(pid_of echo)" || :
	answers 10.64.0.2
	not rig_is "[0-9]*"
}

# foreign_queue NAME: a program in another network namespace that has the queue of a usn0 there.
foreign_queue() {
	steps "$1" ip netns exec "$1"
	expect "$1" ok "import fcntl, struct; f = open('/dev/net/tun', 'r+b', buffering=0)"
	# TUNSETIFF with IFF_TUN | IFF_NO_PI
	expect "$1" ok "_ = fcntl.ioctl(f, 0x400454ca, struct.pack('16sH22x', b'usn0', 0x1001))"
}

@test "rig: is not mistaken for one in another network namespace" { in_sandbox namespaces; }
namespaces() {
	usn up usn0 Peer=echo
	ip netns add far
	ip netns add farther
	# One is found before the rig in /proc, one after it.
	foreign_queue far
	rig echo "$ROOT/build/examples/rig_echo"
	foreign_queue farther
	end_agent KILL
	rig_is "$(pid_of echo)"
	stop echo
	answers 10.64.0.2
}

@test "rig: one that does not block leaves nothing to the next" { in_sandbox nonblocking; }
nonblocking() {
	quiet
	usn rig usn0 -- python3 -c 'import os; os.set_blocking(3, False)'
	# The peer and the next rig are as before.
	answers 10.64.0.2
	# shellcheck disable=SC2016
	flags=$(usn rig usn0 -- sh -c 'sed -n "s/^flags:[^0-9]*//p" /proc/$$/fdinfo/3')
	[ $((flags & 04000)) = 0 ]
	rig reader sh -c "dd bs=65536 count=1 <&3 2>/dev/null | wc -c >'$TMP/bytes'"
	flood 1
	wait "$(pid_of reader)"
	[ "$(cat "$TMP/bytes")" = 44 ]
	answers 10.64.0.2
	# And while a rig reads without blocking, the agent is not disturbed.
	rig poller python3 -c 'import os, select
os.set_blocking(3, False)
while True: select.select([3], [], []); os.read(3, 65536)'
	silent 10.64.0.2
	stop poller
	answers 10.64.0.2
}

@test "rig: ends with its device" { in_sandbox device_removed; }
device_removed() {
	usn up usn0
	rig echo "$ROOT/build/examples/rig_echo"
	usn down usn0
	status=0
	wait "$(pid_of echo)" || status=$?
	[ $status = 1 ]
	not ip link show usn0
	usn up usn0 Peer=echo
	not rig_is "[0-9]*"
	answers 10.64.0.2
}
