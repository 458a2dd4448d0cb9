#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What a bind alone lets out: each is refused or dropped, counted, and seen on no other device. The reverse too: without
# the guard it does leave, and what is exempt leaves by the host's way.

load lib
load ../helpers/net

@test "guard: IP_PKTINFO with another interface" { in_sandbox pktinfo; }
pktinfo() {
	usn up usn0
	decoy
	steps app usn-run ND=usn0 --
	step app 'import struct'
	expect app ok 's = make(V4, UDP)'
	expect app EPERM "s.sendmsg([b'x'], [(IPPROTO_IP, 8, struct.pack('=III', if_nametoindex('decoy'), 0, 0))], 0, ('192.0.2.1', 9))"
	expect app ok 's = make(V6, UDP)'
	# The kernel itself refuses an interface that is not the socket's.
	expect app EINVAL "s.sendmsg([b'x'], [(IPPROTO_IPV6, IPV6_PKTINFO, b'\\0' * 16 + struct.pack('=I', if_nametoindex('decoy')))], 0, ('2001:db8::1', 9))"
	[ -z "$(on_decoy)" ]
	[ "$(verdict usn0 dropped_strayed)" = 1 ]

	steps open usn-run --no-guard ND=usn0 --
	step open 'import struct'
	expect open ok 's = make(V4, UDP)'
	expect open 1 "s.sendmsg([b'x'], [(IPPROTO_IP, 8, struct.pack('=III', if_nametoindex('decoy'), 0, 0))], 0, ('192.0.2.1', 9))"
	on_decoy | grep '192\.0\.2\.1\.9:'
}

@test "guard: SO_BINDTODEVICE and SO_BINDTOIFINDEX, by root" { in_sandbox options; }
options() {
	usn up usn0
	decoy
	steps app usn-run ND=usn0 --
	steps host
	for kind in UDP TCP; do
		expect app ok "s = make(V4, $kind)"
		expect app EPERM "s.setsockopt(SOL_SOCKET, SO_BINDTODEVICE, b'decoy\\0')"
		expect app EPERM "s.setsockopt(SOL_SOCKET, SO_BINDTODEVICE, b'')"
		expect app EPERM "s.setsockopt(SOL_SOCKET, 62, if_nametoindex('decoy'))"
		expect app EPERM "s.setsockopt(SOL_SOCKET, 62, 0)"
		expect app usn0 'device(s)'
		# What is so already may be said again.
		expect app ok "s.setsockopt(SOL_SOCKET, SO_BINDTODEVICE, b'usn0\\0')"
		expect app ok "s.setsockopt(SOL_SOCKET, SO_BINDTODEVICE, b'usn0')"
		expect app EPERM "s.setsockopt(SOL_SOCKET, SO_BINDTODEVICE, b'usn')"
		expect app ok "s.setsockopt(SOL_SOCKET, 62, if_nametoindex('usn0'))"
		# Other options, and long values, are none of our business.
		expect app ok 's.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)'
		expect host ok "s = make(V4, $kind)"
		long="s.setsockopt(IPPROTO_IP, 64, b'x' * 9000)"
		expect app "$(step host "$long")" "$long"
	done
	[ "$(verdict usn0 refused_option)" = 10 ]
	expect host ok 's = make(V4, UDP)'
	expect host ok "s.setsockopt(SOL_SOCKET, SO_BINDTODEVICE, b'decoy\\0')"
}

groups_of() { ip maddr show dev "$1" | grep -oE '233\.252\.0\.[0-9]+|ff0e::db8:[0-9]+' | sort | tr '\n' ' '; }

@test "guard: groups are joined on the run's device" { in_sandbox groups; }
groups() {
	usn up usn0
	decoy
	steps app usn-run ND=usn0 --
	local join4='IPPROTO_IP, IP_ADD_MEMBERSHIP, inet_aton' join6='IPPROTO_IPV6, IPV6_JOIN_GROUP, inet_pton(V6,'
	# IP_ADD_SOURCE_MEMBERSHIP, MCAST_JOIN_GROUP: Python has no names for them.
	local source='IPPROTO_IP, 39, inet_aton' any='42, struct.pack'
	expect app ok 'import struct; s, s6 = make(V4, UDP), make(V6, UDP)'
	expect app ok "decoy, usn0, lo = [if_nametoindex(n).to_bytes(4, 'little') for n in ('decoy', 'usn0', 'lo')]"
	# None named, or only by an address: it is the run's.
	expect app ok "s.setsockopt($join4('233.252.0.1') + bytes(4))"
	expect app ok "s.setsockopt($join4('233.252.0.2') + inet_aton('198.51.100.1'))"
	expect app ok "s.setsockopt($join4('233.252.0.3') + bytes(8))"
	expect app ok "s.setsockopt($join4('233.252.0.4') + bytes(4) + usn0)"
	expect app ok "s.setsockopt(IPPROTO_IP, $any('=I4xHxx4s120x', 0, V4, inet_aton('233.252.0.5')))"
	expect app ok "s6.setsockopt($join6 'ff0e::db8:1') + bytes(4))"
	expect app ok "s6.setsockopt($join6 'ff0e::db8:2') + usn0)"
	expect app ok "s6.setsockopt(IPPROTO_IPV6, $any('=I4xHHI16s104x', 0, V6, 0, 0, inet_pton(V6, 'ff0e::db8:3')))"
	# Another one.
	expect app EPERM "s.setsockopt($join4('233.252.0.6') + bytes(4) + decoy)"
	expect app EPERM "s.setsockopt($source('233.252.0.6') + bytes(4) + inet_aton('192.0.2.1'))"
	expect app EPERM "s6.setsockopt($join6 'ff0e::db8:6') + decoy)"
	[ "$(verdict usn0 refused_option)" = 3 ]
	[ "$(groups_of usn0)" = "233.252.0.1 233.252.0.2 233.252.0.3 233.252.0.4 233.252.0.5 ff0e::db8:1 ff0e::db8:2 ff0e::db8:3 " ]
	[ -z "$(groups_of decoy)" ]
	# What is loopback's stays there.
	expect app ok "s.setsockopt($join4('233.252.0.7') + inet_aton('127.0.0.1'))"
	expect app ok "s6.setsockopt($join6 'ff0e::db8:7') + lo)"
	[ "$(groups_of lo)" = '233.252.0.7 ff0e::db8:7 ' ]
	# They are left as they were joined.
	expect app ok "s.setsockopt(IPPROTO_IP, IP_DROP_MEMBERSHIP, inet_aton('233.252.0.2') + inet_aton('198.51.100.1'))"
	expect app ok "s6.setsockopt(IPPROTO_IPV6, IPV6_LEAVE_GROUP, inet_pton(V6, 'ff0e::db8:1') + bytes(4))"
	not grep -qE '233\.252\.0\.2 |db8:1 ' <<<"$(groups_of usn0)"
	# Without the device there is none to join on.
	usn down --force usn0
	expect app EPERM "s.setsockopt($join4('233.252.0.8') + bytes(4))"
	[ -z "$(groups_of decoy)" ]
	steps host
	expect host ok 's = make(V4, UDP)'
	expect host ok "s.setsockopt($join4('233.252.0.9') + bytes(4))"
	[ "$(groups_of decoy)" = '233.252.0.9 ' ]
}

@test "guard: sockets that connect(AF_UNSPEC) has unbound" { in_sandbox disconnected; }
disconnected() {
	usn up usn0 Peer=echo
	decoy
	steps app usn-run ND=usn0 --
	for family in V4 V6; do
		[ $family = V4 ] && peer=10.64.0.2 far=192.0.2.1 || peer=fd75:736e::2 far=2001:db8::1
		expect app ok "s = make($family, UDP)"
		expect app ok "s.connect(('$peer', 7))"
		expect app 0 'libc.connect(s.fileno(), bytes(28), 28)'
		expect app - 'device(s)'
		expect app EPERM "s.sendto(b'x', ('$far', 9))"
		# Refused once, for its device was chosen; bound again from there on.
		expect app usn0 'device(s)'
		expect app 1 "s.sendto(b'x', ('$far', 9))"
		expect app ok "s = make($family, RAW, IPPROTO_UDPLITE)"
		expect app ok "s.connect(('$peer', 0))"
		expect app 0 'libc.connect(s.fileno(), bytes(28), 28)'
		expect app - 'device(s)'
		expect app EPERM "s.sendto(bytes(16), ('$far', 0))"
	done
	[ -z "$(on_decoy)" ]
	[ "$(verdict usn0 refused_send)" = 2 ]
	[ "$(verdict usn0 dropped_unbound)" = 2 ]
}

@test "guard: MPTCP, client and listener" { in_sandbox mptcp; }
mptcp() {
	[ "$(sysctl -n net.mptcp.enabled)" = 1 ]
	usn up usn0
	decoy
	watch usn0 "$FOREIGN"
	steps app usn-run ND=usn0 --
	expect app ok 's = make(V4, TCP, 262)'
	expect app ok 's.settimeout(0.2)'
	expect app timeout "s.connect(('192.0.2.1', 9))"
	grep -q '192\.0\.2\.1\.9: Flags \[S\]' "$TMP/usn0"
	# A listener of the run does not answer who comes by another device.
	expect app ok 'l = make(V4, TCP, 262)'
	expect app ok "l.bind(('0.0.0.0', 0))"
	expect app ok 'l.listen()'
	port=$(step app 'port(l)')
	not ip netns exec far timeout 0.5 bash -c "echo >/dev/tcp/198.51.100.1/$port"
	[ -z "$(on_decoy)" ]
}

@test "guard: a socket that is bound to a link-local address of another interface" { in_sandbox link_local; }
link_local() {
	usn up usn0
	FOREIGN='udp or tcp or (icmp6 and ip6[40] = 128)' decoy
	steps app usn-run ND=usn0 --
	ip addr add fe80::7/64 dev decoy nodad
	scope="fe80::7', 0, 0, if_nametoindex('decoy'))"
	# bind(2) with a scope moves a socket, whatever it was bound to (__inet6_bind, net/ipv6/af_inet6.c).
	for address in "$scope" "ff02::fb', 0, 0, if_nametoindex('decoy'))"; do
		expect app ok 's = make(V6, UDP)'
		step app "s.bind(('$address)"
		expect app EPERM "s.sendto(b'x', ('ff02::fb', 5353, 0, if_nametoindex('decoy')))"
		expect app EPERM "s.sendto(b'x', ('2001:db8::1', 9))"
	done
	expect app ok 's = make(V6, RAW, IPPROTO_ICMPV6)'
	step app "s.bind(('$scope)"
	expect app EPERM "s.sendto(b'\\x80' + bytes(7), ('2001:db8::1', 0))"
	expect app ok 's = make(V6, TCP)'
	expect app ok 's.settimeout(0.2)'
	step app "s.bind(('$scope)"
	expect app timeout "s.connect(('2001:db8::1', 9))"
	[ -z "$(on_decoy)" ]
	[ "$(verdict usn0 dropped_strayed)" -ge 6 ]
}

# A network behind usn0 that has the addresses of "far", too.
@test "guard: subflows of Multipath TCP on the device of an endpoint" { in_sandbox subflows; }
subflows() {
	usn up usn0
	decoy
	usn rig usn0 -- ip netns exec far socat -b 65536 FD:3 TUN:10.64.0.200/24,tun-type=tun,iff-no-pi,iff-up,tun-name=near &
	eventually ip -n far link show near
	watch usn0 "$FOREIGN"
	ip mptcp limits set subflow 4
	ip netns exec far ip mptcp limits set subflow 4
	ip mptcp endpoint add 198.51.100.1 dev decoy subflow
	steps app usn-run ND=usn0 --
	steps host
	steps far ip netns exec far
	expect far ok 'l = make(V4, TCP, 262)'
	expect far ok "l.bind(('192.0.2.1', 0)); l.listen()"
	for who in app host; do
		expect $who ok 's = make(V4, TCP, 262)'
		expect $who ok "s.connect(('192.0.2.1', $(step far 'port(l)')))"
		expect far ok 'c = l.accept()[0]'
		# Both ends have sent something: now there may be subflows.
		expect $who 1 "s.send(b'x')"
		expect far 1 "len(c.recv(1)) and c.send(b'x')"
		expect $who 1 'len(s.recv(1))'
		if [ $who = app ]; then
			eventually show_is usn0 'd["verdicts"]["dropped_strayed"] >= 1'
			[ -z "$(on_decoy)" ]
		fi
	done
	# The host's connection may, and has the one more from the other address.
	on_decoy | has '198\.51\.100\.1\..*Flags \[S\]'
}


@test "guard: a program without privileges has loopback, and nothing else but the device" { in_sandbox unprivileged; }
unprivileged() {
	usn up usn0
	decoy
	watch usn0 "$FOREIGN"
	# The interpreter of the path may be in a directory that is closed to others.
	steps app usn-run ND=usn0 PATH=/usr/bin:/bin -- setpriv --reuid 65534 --clear-groups
	expect app ok "l = listen(V4, TCP, '127.0.0.1')"
	expect app - 'device(l)'
	expect app ok 'c = make(V4, TCP)'
	expect app ok 'c.connect(l.getsockname())'
	expect app ok "l = listen(V6, TCP, '::1')"
	expect app ok 'c = make(V6, TCP); c.connect(l.getsockname())'
	expect app ok 's = make(V4, TCP)'
	expect app ok 's.settimeout(0.2)'
	expect app timeout "s.connect(('192.0.2.1', 9))"
	expect app usn0 'device(s)'
	grep -q '192\.0\.2\.1\.9: Flags \[S\]' "$TMP/usn0"
	# No program sees listen: the answer is dropped.
	expect app ok 'l = make(V4, TCP)'
	expect app ok 'l.listen()'
	port=$(step app 'port(l)')
	not ip netns exec far timeout 0.5 bash -c "echo >/dev/tcp/198.51.100.1/$port"
	[ "$(verdict usn0 dropped_unbound)" -ge 1 ]
	expect app ok 'u = make(V4, UDP)'
	expect app usn0 'device(u)'
	expect app EPERM "u.connect(('127.0.0.1', 9))"
	[ -z "$(on_decoy)" ]
}

@test "exemptions: every form of a rule, and its reverse" { in_sandbox exemptions; }
exemptions() {
	usn up usn0
	decoy
	watch usn0 "$FOREIGN"
	# rule address port kind leaves
	while read -r rule address port kind where; do
		: >"$TMP/usn0"
		: >"$TMP/decoy"
		[[ $address = *:* ]] && family=V6 || family=V4
		steps app usn-run --except "$rule" ND=usn0 --
		expect app ok "s = make($family, $kind)"
		expect app ok 's.settimeout(0.2)'
		step app "s.connect(('$address', $port))"
		[ $kind = TCP ] || expect app 1 "s.send(b'x')"
		if [ "$where" = decoy ]; then
			expect app - 'device(s)'
			on_decoy | has "$address\.$port:"
			[ ! -s "$TMP/usn0" ]
		else
			expect app usn0 'device(s)'
			eventually grep -q "$address\.$port:" "$TMP/usn0"
			[ -z "$(on_decoy)" ]
		fi
		finish app
	done <<-'END'
		192.0.2.1 192.0.2.1 9 UDP decoy
		192.0.2.1 192.0.2.2 9 UDP usn0
		192.0.2.0/24 192.0.2.2 9 UDP decoy
		192.0.2.0/31 192.0.2.2 9 UDP usn0
		192.0.2.1:9 192.0.2.1 9 UDP decoy
		192.0.2.1:9 192.0.2.1 10 UDP usn0
		192.0.2.1:9-11 192.0.2.1 10 UDP decoy
		192.0.2.1:9-11 192.0.2.1 12 UDP usn0
		tcp:192.0.2.1 192.0.2.1 9 UDP usn0
		tcp:192.0.2.1 192.0.2.1 9 TCP decoy
		udp:192.0.2.1 192.0.2.1 9 TCP usn0
		udp:192.0.2.1 192.0.2.1 9 UDP decoy
		0.0.0.0/0 192.0.2.1 9 UDP decoy
		0.0.0.0/0 2001:db8::1 9 UDP usn0
		2001:db8::/32 2001:db8::1 9 UDP decoy
		2001:db8::1 2001:db8::1 9 TCP decoy
		[2001:db8::1]:9 2001:db8::1 9 UDP decoy
		[2001:db8::1]:9 2001:db8::1 10 UDP usn0
		x11 192.0.2.1 6000 TCP decoy
		x11 2001:db8::1 6063 TCP decoy
		x11 192.0.2.1 6064 TCP usn0
		x11 192.0.2.1 6000 UDP usn0
		loopback 192.0.2.1 9 UDP usn0
		local 192.0.2.1 9 UDP usn0
	END
	[ "$(verdict usn0 dropped_unbound)" = 0 ]
	[ "$(verdict usn0 dropped_strayed)" = 0 ]
	# The sets go with their runs; only the host's addresses stay.
	eventually sh -c '! usn list | grep -q run'
	[ "$(bpftool -j map dump pinned /sys/fs/bpf/usn/maps/rules | value '{e["formatted"]["key"]["ruleset"] for e in d}')" = "{1}" ]
}

@test "exemptions: local is the host's addresses as they are" { in_sandbox exempt_local; }
exempt_local() {
	usn up usn0
	decoy
	python3 "$ROOT/tests/helpers/web.py" 198.51.100.1 >"$TMP/port" 2>/dev/null &
	eventually grep -q . "$TMP/port"
	url="http://198.51.100.1:$(cat "$TMP/port")/10"
	curl -sS "$url" | has .
	not usn-run ND=usn0 -- curl -sS -m 0.5 "$url"
	usn-run --except local ND=usn0 -- curl -sS -m 5 "$url" | has .
	# An address that comes later.
	ip addr add 198.51.100.77/24 dev decoy
	python3 "$ROOT/tests/helpers/web.py" 198.51.100.77 >"$TMP/later" 2>/dev/null &
	eventually grep -q . "$TMP/later"
	eventually usn-run --except local ND=usn0 -- curl -sS -m 1 -o /dev/null "http://198.51.100.77:$(cat "$TMP/later")/10"
}

@test "exemptions: the device's file, --no-except, and nonsense" { in_sandbox no_except; }
no_except() {
	mkdir -p /etc/usn
	printf '[Device]\nExcept=192.0.2.0/24\n' >/etc/usn/usn0.conf
	usn up usn0
	usn show --json usn0 | value 'd["except"]' | grep -F "['loopback', '192.0.2.0/24']"
	steps file usn-run ND=usn0 --
	expect file ok "s = make(V4, UDP); s.connect(('192.0.2.1', 9))" || :
	steps none usn-run --no-except ND=usn0 --
	expect none ok "s = make(V4, UDP); s.bind(('127.0.0.1', 0))" || :
	expect none usn0 'device(s)'
	expect none usn0 "device(make(V4, TCP))"
	steps only usn-run --no-except --except 127.0.0.0/8 ND=usn0 --
	expect only ok "s = make(V4, UDP); s.bind(('127.0.0.1', 0))"
	expect only - 'device(s)'
	# The device's exemptions outlive the agent.
	end_agent KILL
	usn show --json usn0 | value 'd["except"]' | grep -F "['loopback', '192.0.2.0/24']"
	fails 125 "is no exemption" usn-run --except nonsense ND=usn0 -- true
	fails 125 "is no exemption" usn-run --except 192.0.2.1:0 ND=usn0 -- true
	fails 125 "is no exemption" usn-run --except 192.0.2.1:9-8 ND=usn0 -- true
	fails 125 "is no exemption" usn-run --except 192.0.2.1/33 ND=usn0 -- true
	fails 125 "is no exemption" usn-run --except sctp:192.0.2.1 ND=usn0 -- true
	many=()
	for i in {0..64}; do many+=(--except "192.0.2.$i"); done
	fails 125 "at most 64" usn-run "${many[@]}" ND=usn0 -- true
	[ "$(show usn0 'len(d["runs"])')" = 3 ]
}

@test "counters: a run that ends while there is no agent takes none with it" { in_sandbox counters_stay; }
counters_stay() {
	usn up usn0
	usn-run ND=usn0 -- sleep 100 &
	app=$!
	eventually sh -c 'usn list | grep -q sleep'
	usn-run ND=usn0 -- python3 -c 'import socket; socket.socket()'
	bound=$(verdict usn0 bound)
	[ "$bound" -ge 1 ]
	# A run that ends while there is no agent.
	end_agent KILL
	kill "$app"
	wait "$app" || :
	eventually usn list
	[ "$(verdict usn0 bound)" = "$bound" ]
	usn-run ND=usn0 -- python3 -c 'import socket; socket.socket()'
	[ "$(verdict usn0 bound)" -gt "$bound" ]
}
