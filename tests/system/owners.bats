#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# usn tail: whose packets they are, out and in, and nobody's where there is nobody.

load lib
load ../helpers/net
load ../helpers/tap

NOBODY=-/-/-
export NOBODY

# python NAME: as "owner" wants it, of a process that steps has started.
python() {
	local pid
	pid=$(pid_of "$1")
	echo "$pid/$pid/python3"
}

# number NAME SOCKET
number() { step "$1" "cookie($2)"; }

# The id of the cgroup that the process is in.
cgroup_of() { stat -c %i "$(cgroup_tree)$(sed -n 's/^0:://p' "/proc/$(pid_of "$1")/cgroup")"; }

# A server in a run on usn1, a client in one on usn0, and a tap on both devices.
meet() {
	joined
	steps server usn-run ND=usn1 --
	steps client usn-run ND=usn0 --
	tap json --json usn0 usn1
}

# tcp FAMILY ADDRESS FAMILY ADDRESS: a server there, a client to it; a question and an answer. Sets $port.
tcp() {
	expect server ok "l = listen($1, TCP, '$2')"
	port=$(step server 'port(l)')
	expect client ok "c = make($3, TCP)"
	expect client ok "c.connect(('$4', $port))"
	expect server ok 's = l.accept()[0]'
	expect client ok "c.sendall(b'ask')"
	expect server "b'ask'" 's.recv(9)'
	expect server ok "s.sendall(b'answer')"
	expect client "b'answer'" 'c.recv(9)'
	# Closing says more, when the sockets of the pair before are not whole any more.
	expect server ok 'kept = (l, s, globals().get("kept"))'
	expect client ok 'kept = (c, globals().get("kept"))'
}

udp() {
	expect server ok "l = listen($1, UDP, '$2')"
	port=$(step server 'port(l)')
	expect client ok "c = make($3, UDP)"
	expect client ok "c.connect(('$4', $port))"
	expect client 3 "c.send(b'ask')"
	expect server ok 'data, asker = l.recvfrom(9)'
	expect server 6 "l.sendto(b'answer', asker)"
	expect client "b'answer'" 'c.recv(9)'
}

# The server's address and the one that is connected to.
PAIRS='V4,10.64.1.1,V4,10.64.1.1 V4,0.0.0.0,V4,10.64.1.1 V4,10.64.1.1,V6,::ffff:10.64.1.1 V6,::,V4,10.64.1.1
	V6,fd75:736e:0:1::1,V6,fd75:736e:0:1::1 V6,::,V6,fd75:736e:0:1::1'
export PAIRS

# all PROTOCOL: each packet of the conversation is the server's on usn1 and the client's on usn0, in and out.
all_of() {
	local side way
	for way in sport dport; do
		owner json "$(python client)" device=usn0 proto="$1" $way="$port"
		owner json "$(python server)" device=usn1 proto="$1" $way="$port"
		for side in client,usn0 server,usn1; do
			same "$(cgroup_of "${side%,*}")" \
				"$(rows json cgroup device="${side#*,}" proto="$1" $way="$port")"
		done
	done
}

@test "owners: TCP, out and in, of a client, a listener and what it accepts" { in_sandbox by_tcp; }
by_tcp() {
	local pair
	meet
	for pair in $PAIRS; do
		# shellcheck disable=SC2086
		tcp ${pair//,/ }
		echo "$port $(number client c) $(number server l) $(number server s)" >>"$TMP/numbers"
	done
	end json
	while read -r port client listener accepted; do
		all_of tcp
		same "$client" "$(rows json cookie device=usn0 dport="$port")"
		same "$client" "$(rows json cookie device=usn0 sport="$port")"
		# It is the listener's until there is a connection.
		same "$listener" "$(rows json cookie device=usn1 dport="$port" tcp.flags=S)"
		same "$accepted" "$(rows json cookie device=usn1 dport="$port" payload=3)"
		same "$accepted" "$(rows json cookie device=usn1 sport="$port" payload=6)"
	done <"$TMP/numbers"
	[ "$(wc -l <"$TMP/numbers")" = 6 ]
}

@test "owners: UDP, out and in, of a client and of servers bound to an address and to any" { in_sandbox by_udp; }
by_udp() {
	local pair
	meet
	for pair in $PAIRS; do
		# shellcheck disable=SC2086
		udp ${pair//,/ }
		echo "$port $(number client c) $(number server l)" >>"$TMP/numbers"
	done
	end json
	while read -r port client server; do
		all_of udp
		same "$client" "$(rows json cookie device=usn0 proto=udp dport="$port")"
		same "$client" "$(rows json cookie device=usn0 proto=udp sport="$port")"
		same "$server" "$(rows json cookie device=usn1 proto=udp dport="$port")"
		same "$server" "$(rows json cookie device=usn1 proto=udp sport="$port")"
	done <"$TMP/numbers"
	[ "$(wc -l <"$TMP/numbers")" = 6 ]
}

@test "owners: of an echo reply it is who asked, by a raw socket or a ping socket" { in_sandbox pings; }
pings() {
	local s
	sysctl -qw net.ipv4.ping_group_range='0 2147483647'
	usn up usn0 Peer=echo
	tap json --json usn0
	steps first usn-run ND=usn0 --
	steps second usn-run ND=usn0 --
	expect first ok "s = make(V4, RAW, IPPROTO_ICMP); s.connect(('10.64.0.2', 0))"
	expect second ok "s = make(V4, UDP, IPPROTO_ICMP); s.connect(('10.64.0.2', 0))"
	expect first ok "t = make(V6, RAW, IPPROTO_ICMPV6); t.connect(('fd75:736e::2', 0))"
	expect second ok "t = make(V6, UDP, IPPROTO_ICMPV6); t.connect(('fd75:736e::2', 0))"
	# All ask before the first reads its answer, and each by an identifier of its own.
	expect first 8 's.send(echo(1))'
	expect first 8 't.send(echo(1, True))'
	expect second 8 's.send(echo(2))'
	expect second 8 't.send(echo(2, True))'
	for s in s t; do
		expect first True "len($s.recv(99)) >= 8"
		expect second 8 "len($s.recv(99))"
		echo "$(number first $s) $(number second $s)" >>"$TMP/numbers"
	done
	end json
	while read -r first second; do
		for way in in out; do
			owner json "$(python first)" direction=$way cookie="$first" icmp.seq=1
			owner json "$(python second)" direction=$way cookie="$second" icmp.seq=2
			same 1 "$(rows json n direction=$way cookie="$first")"
			same 1 "$(rows json n direction=$way cookie="$second")"
		done
	done <"$TMP/numbers"
	[ "$(wc -l <"$TMP/numbers")" = 2 ]
}

@test "owners: what is in no run is nobody's, and so are the answers to it" { in_sandbox ping_without_run; }
ping_without_run() {
	quiet
	tap json --json usn0
	ping -q -c 1 -W 5 -I usn0 10.64.0.2
	end json
	owner json $NOBODY direction=out proto=icmp
	owner json $NOBODY direction=in proto=icmp
}

@test "owners: of sockets that were there before the tap" { in_sandbox before_the_tap; }
before_the_tap() {
	local s
	joined
	steps server usn-run ND=usn1 --
	steps client usn-run ND=usn0 --
	expect server ok "l = listen(V4, UDP, '0.0.0.0'); m = listen(V4, TCP, '0.0.0.0')"
	expect client ok 'unused = make(V4, UDP); used = make(V4, UDP); c = make(V4, TCP)'
	expect client 1 "used.sendto(b'x', ('10.64.1.1', $(step server 'port(l)')))"
	expect server ok 'l.recvfrom(9)[0] and None'
	expect client ok "c.connect(('10.64.1.1', $(step server 'port(m)')))"
	expect server ok 's = m.accept()[0]'
	tap json --json usn0 usn1
	for s in unused used; do
		expect client 3 "$s.sendto(b'ask', ('10.64.1.1', $(step server 'port(l)')))"
		expect server ok 'asker = l.recvfrom(9)[1]'
		expect server 6 "l.sendto(b'answer', asker)"
		expect client "b'answer'" "$s.recv(9)"
	done
	expect server ok "s.sendall(b'hello')"
	expect client "b'hello'" 'c.recv(9)'
	end json
	owner json "$(python client)" device=usn0 proto=udp
	owner json "$(python server)" device=usn1 proto=udp
	owner json "$(python client)" device=usn0 proto=tcp
	owner json "$(python server)" device=usn1 proto=tcp
	same 8 "$(rows json n proto=udp)"
}

@test "owners: a thread has its number; a child's packets are of who made the socket" { in_sandbox threads_and_children; }
threads_and_children() {
	local thread
	quiet
	steps app usn-run ND=usn0 --
	tap json --json usn0
	expect app ok 's, tid = in_thread(lambda: make(V4, UDP))'
	thread=$(step app tid)
	expect app 1 "s.sendto(b'1', ('10.64.0.2', 7))"
	expect app 1 'len(s.recv(9))'
	expect app ok 's = make(V4, UDP)'
	expect app ok "in_child(lambda: str(s.sendto(b'22', ('10.64.0.2', 7)))) and None"
	expect app 2 'len(s.recv(9))'
	# A socket of the child's own, which tells its number.
	expect app ok "child = in_child(lambda: str(make(V4, UDP).sendto(b'333', ('10.64.0.2', 9)) and os.getpid()))"
	end json
	[ "$thread" != "$(pid_of app)" ]
	owner json "$(pid_of app)/$thread/python3" proto=udp payload=1
	owner json "$(python app)" proto=udp payload=2
	owner json "$(step app 'child + "/" + child')/python3" proto=udp payload=3
	same 2 "$(rows json n payload=1)"
}

@test "owners: nobody's are packets to closed ports, and the kernel's own answers" { in_sandbox closed_ports; }
closed_ports() {
	local kind
	usn up usn0
	tap json --json usn0
	# A port where nobody listens, from a stranger, to whom the kernel answers by the device (usn(8)).
	for kind in tcp4 tcp6 udp4 udp6 echo4 echo6; do
		usn rig usn0 -- python3 "$ROOT/tests/helpers/rig_ask.py" $kind >>"$TMP/answers"
	done
	end json
	not grep -q nothing "$TMP/answers"
	for want in src=192.0.2.1 dst=192.0.2.1 src=2001:db8::1 dst=2001:db8::1; do
		owner json $NOBODY $want
		same - "$(rows json cgroup $want)"
		same 3 "$(rows json n $want)"
	done
	# Refusals by TCP and ICMP, and an answer to the echo.
	same 2 "$(rows json n direction=out tcp.flags=R.)"
	same "$(printf '%s\n' 0 3)" "$(rows json icmp.type direction=out dst=192.0.2.1 proto=icmp)"
}

@test "owners: nobody's are the fragments after the first, which have no port" { in_sandbox fragments; }
fragments() {
	meet
	expect server ok "l = listen(V4, UDP, '10.64.1.1'); m = listen(V6, UDP, 'fd75:736e:0:1::1')"
	expect client 4000 "make(V4, UDP).sendto(b'x' * 4000, ('10.64.1.1', $(step server 'port(l)')))"
	expect client 4000 "make(V6, UDP).sendto(b'x' * 4000, ('fd75:736e:0:1::1', $(step server 'port(m)')))"
	expect server 4000 'len(l.recv(9999))'
	expect server 4000 'len(m.recv(9999))'
	end json
	owner json "$(python client)" direction=out ip=4 proto=udp
	owner json "$(python server)" direction=in ip=4 fragment.offset=0
	rows json fragment.offset direction=in proto=udp | grep -vx 0 >"$TMP/later"
	[ "$(wc -l <"$TMP/later")" -ge 2 ]
	while read -r offset; do
		owner json $NOBODY direction=in fragment.offset="$offset"
	done <"$TMP/later"
}

@test "owners: nobody's are packets to addresses that the host does not have" { in_sandbox foreign; }
foreign() {
	meet
	expect server ok "l = listen(V4, UDP, '10.64.1.1'); m = listen(V6, UDP, 'fd75:736e:0:1::1')"
	expect client 1 "make(V4, UDP).sendto(b'x', ('10.64.1.77', $(step server 'port(l)')))"
	expect client 1 "make(V6, UDP).sendto(b'x', ('fd75:736e:0:1::77', $(step server 'port(m)')))"
	# What comes after them tells that they have come.
	expect client 2 "make(V4, UDP).sendto(b'xx', ('10.64.1.1', $(step server 'port(l)')))"
	expect client 2 "make(V6, UDP).sendto(b'xx', ('fd75:736e:0:1::1', $(step server 'port(m)')))"
	expect server 2 'len(l.recv(9))'
	expect server 2 'len(m.recv(9))'
	end json
	owner json "$(python server)" device=usn1 proto=udp payload=2
	owner json $NOBODY device=usn1 proto=udp payload=1
	same 2 "$(rows json n device=usn1 payload=1)"
}
