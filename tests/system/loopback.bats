#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Loopback in a run: what talks to the host itself is not on the device, everything else is.

load lib
load ../helpers/net

# Both families' loopback addresses, as FAMILY ADDRESS.
loopbacks() {
	echo V4 127.0.0.1
	echo V4 127.9.8.7
	echo V6 ::1
}

# talk CLIENT SERVER FAMILY TO: over the client's socket c and what the server's listener l accepts.
talk() {
	expect "$1" ok "c = make($3, TCP)"
	expect "$1" ok "c.connect(('$4', $(step "$2" 'port(l)')))"
	expect "$2" ok 's = l.accept()[0]'
	expect "$1" ok "c.sendall(b'to')"
	expect "$2" "b'to'" 's.recv(9)'
	expect "$2" ok "s.sendall(b'back')"
	expect "$1" "b'back'" 'c.recv(9)'
}

# device, and three programs: two in the run, one outside.
three() {
	usn up usn0
	watch usn0 'tcp or udp'
	steps app usn-run ND=usn0 --
	steps other usn-run ND=usn0 --
	steps host
}

# Nothing but the last datagram has gone into the device.
device_was_quiet() {
	usn-run ND=usn0 -- bash -c 'echo last >/dev/udp/10.64.0.9/9'
	eventually grep -q '10.64.0.9.9: UDP' "$TMP/usn0"
	[ "$(wc -l <"$TMP/usn0")" = 1 ]
}

@test "loopback: TCP to servers of the host and of a run" { in_sandbox tcp_servers; }
tcp_servers() {
	three
	expect app ok "foreign = make(V4, UDP); foreign.connect(('10.64.0.9', 9))"
	while read -r family address; do
		for server in host other; do
			expect $server ok "l = listen($family, TCP, '$address')"
			talk app $server "$family" "$address"
			expect app - 'device(c)'
		done
	done < <(loopbacks)
	expect app usn0 'device(foreign)'
	expect app usn0 'device(make(V4, TCP))'
	expect app usn0 'device(make(V6, UDP))'
	device_was_quiet
}

@test "loopback: TCP listeners of a run, from the host and from a run" { in_sandbox tcp_listeners; }
tcp_listeners() {
	three
	while read -r family address; do
		expect app ok "l = listen($family, TCP, '$address')"
		expect app - 'device(l)'
		for client in host other; do
			talk $client app "$family" "$address"
			expect app - 'device(s)'
		done
	done < <(loopbacks)
	device_was_quiet
}

@test "loopback: the unspecified address and v4-mapped ones" { in_sandbox unspecified; }
unspecified() {
	three
	expect host ok "l = listen(V4, TCP, '127.0.0.1')"
	talk app host V4 0.0.0.0
	expect app - 'device(c)'
	for address in 127.0.0.1 0.0.0.0; do
		talk app host V6 ::ffff:$address
		expect app - 'device(c)'
	done
	expect host ok "l = listen(V6, TCP, '::1')"
	talk app host V6 ::
	expect app - 'device(c)'
	device_was_quiet
}

@test "loopback: connected UDP" { in_sandbox udp_connected; }
udp_connected() {
	three
	while read -r family address; do
		for server in host other; do
			expect $server ok "l = listen($family, UDP, '$address')"
			expect app ok "c = make($family, UDP)"
			expect app ok "c.connect(('$address', $(step $server 'port(l)')))"
			expect app - 'device(c)'
			expect app 2 "c.send(b'to')"
			expect $server "b'to'" "[data := l.recvfrom(9), data[0]][1]"
			expect $server 4 "l.sendto(b'back', data[1])"
			expect app "b'back'" 'c.recv(9)'
		done
	done < <(loopbacks)
	device_was_quiet
}

@test "loopback: a socket with a loopback address that connects elsewhere" { in_sandbox bound_again; }
bound_again() {
	usn up usn0
	decoy
	watch usn0 "$FOREIGN"
	steps app usn-run ND=usn0 --
	for kind in UDP TCP; do
		while read -r family address to; do
			expect app ok "s = listen($family, UDP, '$address') if $kind == UDP else make($family, TCP)"
			[ $kind = UDP ] || expect app ok "s.bind(('$address', 0))"
			expect app - 'device(s)'
			# With a loopback address as its own it may be refused, but never go elsewhere.
			answer=$(step app "try_connect(s, '$to', 9)")
			case $answer in ok | E*) ;; *) false ;; esac
			expect app usn0 'device(s)'
			step app "s.send(b'x')"
		done <<-END
			V4 127.0.0.1 192.0.2.1
			V6 ::1 2001:db8::1
		END
	done
	[ -z "$(on_decoy)" ]
	# Outside a run the v6 one is let out: the case is a real one.
	steps host
	expect host ok "s = listen(V6, UDP, '::1')"
	expect host ok "try_connect(s, '2001:db8::1', 9)"
}

@test "loopback: a UDP socket that goes to loopback, elsewhere and back" { in_sandbox elsewhere_after; }
elsewhere_after() {
	usn up usn0
	decoy
	watch usn0 "$FOREIGN"
	steps app usn-run ND=usn0 --
	while read -r family address to; do
		for away in disconnect pass; do
			expect app ok "s = make($family, UDP)"
			expect app ok "s.connect(('$address', 9))"
			expect app - 'device(s)'
			[ $away = pass ] || expect app ok 'disconnect(s)'
			: >"$TMP/usn0"
			step app "s.connect(('$to', 9))" >"$TMP/answer"
			expect app usn0 'device(s)'
			# Without a disconnect the v4 one keeps its loopback address, and the kernel refuses.
			[ "$(cat "$TMP/answer")" = ok ] || { [ $away$family = passV4 ] && continue; }
			expect app 1 "s.send(b'x')"
			eventually grep -q "$to.9: UDP, length 1" "$TMP/usn0"
			# And back.
			expect app ok "s.connect(('$address', 9))"
			expect app - 'device(s)'
		done
	done <<-END
		V4 127.0.0.1 192.0.2.1
		V6 ::1 2001:db8::1
	END
	[ -z "$(on_decoy)" ]
}

far() { ip netns exec far "$@"; }

@test "loopback: a listener on every address is on the device only" { in_sandbox listeners; }
listeners() {
	joined
	decoy
	steps app usn-run ND=usn0 --
	steps peer usn-run ND=usn1 --
	steps host
	steps out far
	while read -r family any decoy device from; do
		for s in app host; do
			expect $s ok "l = listen($family, TCP, '$any')"
		done
		# By the decoy the host's is reached, and the run's is not.
		expect out ok "make($family, TCP).connect(('$decoy', $(step host 'port(l)')))"
		expect out ECONNREFUSED "make($family, TCP).connect(('$decoy', $(step app 'port(l)')))"
		# By the device it is.
		expect peer ok "c = make($family, TCP); c.bind(('$from', 0))"
		expect peer ok "c.connect(('$device', $(step app 'port(l)')))"
		expect app ok 's = l.accept()[0]'
		expect app "'$from'" 'repr(s.getpeername()[0])'
		expect app usn0 'device(s)'
		expect app ok "l = listen($family, UDP, '$any')"
		expect out ok "u = make($family, UDP); u.connect(('$decoy', $(step app 'port(l)')))"
		expect out 1 "u.send(b'x')"
		expect out ECONNREFUSED "u.recv(9)"
	done <<-END
		V4 0.0.0.0 198.51.100.1 10.64.0.1 10.64.1.1
		V6 :: 2001:db8:1::1 fd75:736e::1 fd75:736e:0:1::1
	END
}
