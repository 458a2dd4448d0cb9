#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Name servers of a run's own: whoever asks whomever in whatever way, the query goes out by the device to that server.

load lib
load ../helpers/net

# A real name server in a run on usn1, behind a rig. It knows one name, with addresses of both families.
name_server() {
	joined
	usn-run ND=usn1 -- dnsmasq -k -u root --port=53 --no-resolv --no-hosts --pid-file= --bind-interfaces \
		--listen-address=10.64.1.1,fd75:736e:0:1::1 --host-record=rig.test,192.0.2.77,2001:db8::77 2>"$TMP/dnsmasq" &
	eventually sh -c 'usn-run ND=usn0 -- dig +tries=1 +time=1 +short @10.64.1.1 rig.test | grep -q 192.0.2.77'
	eventually sh -c 'usn-run ND=usn0 -- dig +tries=1 +time=1 +short @fd75:736e:0:1::1 rig.test | grep -q 192.0.2.77'
}

@test "dns: whichever server is asked, over UDP and TCP, v4 and v6" { in_sandbox asked_anywhere; }
asked_anywhere() {
	name_server
	decoy
	watch lo 'port 53'
	before=$(verdict usn0 asked)
	n=0
	for server in 127.0.0.53 127.0.0.1 9.9.9.9 192.0.2.1 ::1 2001:db8::1; do
		for how in +notcp +tcp; do
			[ "$(usn-run --dns 10.64.1.1,fd75:736e:0:1::1 ND=usn0 -- dig $how +tries=1 +short @$server rig.test)" = 192.0.2.77 ]
			n=$((n + 1))
		done
	done
	[ "$(verdict usn0 asked)" -ge $((before + n)) ]
	[ -z "$(on_decoy)" ]
	[ ! -s "$TMP/lo" ]
	# The reverse: without it the stub on loopback is asked.
	usn-run ND=usn0 -- bash -c 'echo >/dev/udp/127.0.0.53/53'
	eventually grep -q '127\.0\.0\.53\.53' "$TMP/lo"
}

@test "dns: answers seem to come from the server that was asked" { in_sandbox seems_asked; }
seems_asked() {
	name_server
	steps app usn-run --dns 10.64.1.1,fd75:736e:0:1::1 ND=usn0 --
	# A query for rig.test, type A.
	step app "q = bytes.fromhex('1234010000010000000000000372696704746573740000010001')"
	while read -r family address; do
		expect app ok "s = make($family, UDP)"
		expect app 26 "s.sendto(q, ('$address', 53))"
		expect app "('$address', 53)" "s.recvfrom(512)[1][:2]"
		expect app usn0 'device(s)'
		# Connected.
		expect app ok "s.connect(('$address', 53))"
		expect app "('$address', 53)" "s.getpeername()[:2]"
		expect app 26 's.send(q)'
		expect app "('$address', 53)" "s.recvfrom(512)[1][:2]"
		expect app ok "s = make($family, TCP)"
		expect app ok "s.connect(('$address', 53))"
		expect app "('$address', 53)" "s.getpeername()[:2]"
		expect app 28 "s.send(b'\\0\\x1a' + q)"
		expect app "b'\\x124'" "s.recv(512)[2:4]"
	done <<-'END'
		V4 127.0.0.53
		V4 9.9.9.9
		V4 10.64.1.1
		V6 ::1
		V6 2001:db8::9
		V6 ::ffff:127.0.0.53
		V6 fd75:736e:0:1::1
	END
	# What is not a query is nobody's business.
	expect app ok "s = make(V4, UDP); s.connect(('127.0.0.1', 54))"
	expect app "('127.0.0.1', 54)" 's.getpeername()'
	expect app - 'device(s)'
	# Another server, asked directly, after a lie: no lie is left.
	expect app ok 's = make(V4, UDP)'
	expect app 26 "s.sendto(q, ('127.0.0.53', 53))"
	expect app "('127.0.0.53', 53)" 's.recvfrom(512)[1]'
	expect app 26 "s.sendto(q, ('10.64.1.1', 53))"
	expect app "('10.64.1.1', 53)" 's.recvfrom(512)[1]'
}

@test "dns: the line of hosts in every form that the C library takes" { in_sandbox hosts_lines; }
hosts_lines() {
	usn up usn0 Peer=echo
	for line in 'hosts: resolve dns' ' hosts:resolve' 'hosts resolve dns' 'hosts : resolve' \
		$'hosts\tresolve #dns'; do
		echo "$line" >/etc/nsswitch.conf
		[ "$(usn-run --dns 10.64.0.2 ND=usn0 -- cat /etc/nsswitch.conf)" = 'hosts: dns' ]
	done
	# Other lines stay, whatever they are.
	printf 'hosts' >/etc/nsswitch.conf
	[ "$(usn-run --dns 10.64.0.2 ND=usn0 -- cat /etc/nsswitch.conf)" = hosts ]
	echo 'host: resolve' >/etc/nsswitch.conf
	[ "$(usn-run --dns 10.64.0.2 ND=usn0 -- cat /etc/nsswitch.conf)" = 'host: resolve' ]
}

@test "dns: glibc, musl and python, on a host that asks systemd-resolved" { in_sandbox libraries; }
libraries() {
	name_server
	decoy
	# A host that asks systemd-resolved alone.
	printf 'hosts: mymachines resolve [!UNAVAIL=return] files myhostname\nservices: files\n' >/etc/nsswitch.conf
	mkdir -p /run/nscd /run/systemd/resolve
	echo secret >/run/nscd/socket
	echo 'nameserver 127.0.0.53' >/run/systemd/resolve/stub-resolv.conf
	ln -sf ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf
	in_run() { usn-run --dns 10.64.1.1 ND=usn0 -- "$@"; }
	in_run getent ahosts rig.test | has 192.0.2.77
	in_run getent ahosts rig.test | has 2001:db8::77
	in_run "$ROOT/build/tests/musl_names" rig.test | has 192.0.2.77
	in_run python3 -c 'import socket; print(socket.gethostbyname("rig.test"))' | has 192.0.2.77
	[ "$(in_run grep nameserver /etc/resolv.conf)" = 'nameserver 10.64.1.1' ]
	[ "$(in_run cat /etc/nsswitch.conf)" = "$(printf 'hosts: files myhostname dns\nservices: files')" ]
	[ -z "$(in_run ls /run/nscd)" ]
	in_run test -S /run/usn/usnd.sock
	# Others see what they saw.
	[ "$(cat /etc/resolv.conf /run/nscd/socket)" = "$(printf 'nameserver 127.0.0.53\nsecret')" ]
	not getent ahosts rig.test
	not usn-run ND=usn0 -- getent ahosts rig.test
	[ "$(findmnt -n /etc/resolv.conf || :)" = "" ]
	[ -z "$(on_decoy)" ]
}

@test "dns: where mounts are not possible the rewrite serves" { in_sandbox no_mounts; }
no_mounts() {
	name_server
	echo 'nameserver 127.0.0.53' >/etc/resolv.conf
	setpriv --bounding-set -sys_admin --inh-caps -sys_admin \
		usn-run --dns 10.64.1.1 ND=usn0 -- getent ahosts rig.test >"$TMP/out" 2>"$TMP/err"
	grep 192.0.2.77 "$TMP/out"
	[ "$(cat "$TMP/err")" = "usn-run: warning: the run has no resolv.conf of its own: Operation not permitted" ]
	# Without the files, too.
	rm /etc/resolv.conf /etc/nsswitch.conf
	usn-run --dns 10.64.1.1 ND=usn0 -- getent ahosts rig.test | has 192.0.2.77
}

@test "dns: no server of the family, and no way past the device" { in_sandbox other_family; }
other_family() {
	usn up usn0
	decoy
	watch lo 'port 53'
	steps app usn-run --dns 10.64.1.1 ND=usn0 --
	expect app ok 's = make(V6, UDP)'
	expect app EPERM "s.sendto(b'x', ('::1', 53))"
	expect app EPERM "s.connect(('2001:db8::1', 53))"
	expect app ok 's = make(V6, TCP)'
	expect app EPERM "s.connect(('2001:db8::1', 53))"
	[ "$(verdict usn0 refused_dns)" = 3 ]
	# A socket that is off the device sends no query.
	expect app ok "s = make(V4, UDP); s.connect(('127.0.0.1', 9))"
	expect app EPERM "s.sendto(b'x', ('127.0.0.53', 53))"
	# Neither does an exemption lead one past the device.
	steps exempt usn-run --dns 192.0.2.1 --except 192.0.2.0/24 ND=usn0 --
	expect exempt ok "s = make(V4, UDP)"
	expect exempt ok "s.connect(('192.0.2.1', 53))"
	expect exempt 1 "s.send(b'x')"
	expect exempt usn0 'device(s)'
	expect exempt ok "s.connect(('192.0.2.1', 54))"
	expect exempt - 'device(s)'
	[ -z "$(on_decoy)" ]
	[ ! -s "$TMP/lo" ]
}

@test "dns: the device's file, the command line, and nonsense" { in_sandbox settings; }
settings() {
	mkdir -p /etc/usn
	printf '[Device]\nDNS=10.64.0.2,fd75:736e::2\n' >/etc/usn/usn0.conf
	usn up usn0
	[ "$(show usn0 'd["dns"]')" = "['10.64.0.2', 'fd75:736e::2']" ]
	usn show usn0 | has -x '  dns        10.64.0.2 fd75:736e::2'
	[ "$(usn-run ND=usn0 -- grep -c nameserver /etc/resolv.conf)" = 2 ]
	usn-run --dns 192.0.2.1 ND=usn0 -- cat /etc/resolv.conf | has 'nameserver 192.0.2.1'
	[ "$(usn-run --dns none ND=usn0 -- cat /etc/resolv.conf)" = "$(cat /etc/resolv.conf)" ]
	fails 1 'different DNS=' usn up usn0 DNS=
	# They outlive the agent.
	end_agent KILL
	[ "$(show usn0 'd["dns"]')" = "['10.64.0.2', 'fd75:736e::2']" ]
	for bad in '' , 10.0.0.1, 127.0.0.1 127.0.0.53 ::1 :: 0.0.0.0 224.0.0.1 ff02::1 fe80::1 example.com 10.0.0.1:53 10.0.0.0/8 nonsense; do
		fails 125 'is no list of name servers' usn-run --dns "$bad" ND=usn0 -- true
		[ -z "$bad" ] || fails 2 'is no list of name servers' usn up usn1 "DNS=$bad"
	done
	fails 125 'at most 3' usn-run --dns 10.0.0.1,10.0.0.2,10.0.0.3,10.0.0.4 ND=usn0 -- true
	[ "$(show usn0 'len(d["runs"])')" = 0 ]
}
