#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The bind: every socket of every process of a run is on the run's device, and its packets leave by no other.

load lib
load ../helpers/net

# everywhere COMMAND...: a program of helpers/ in a run, then outside. KINDS: the packets that must be seen, as
# tcpdump words them.
everywhere() {
	usn up usn0
	decoy
	watch usn0 "$FOREIGN"

	hold inside usn-run ND=usn0 -- "$@"
	cat "$TMP/inside"
	not grep -vE ' usn0$|^ready$' "$TMP/inside"
	# Of raw sockets ss knows the device only where the kernel has raw_diag.
	ss -Hatunp | tee "$TMP/ss"
	[ "$(wc -l <"$TMP/ss")" -ge 4 ]
	not grep -v '%usn0' "$TMP/ss"
	for kind in $KINDS; do
		eventually grep -q "$kind" "$TMP/usn0"
	done
	[ -z "$(on_decoy)" ]
	[ "$(verdict usn0 bound)" -ge "$(grep -c usn0 "$TMP/inside")" ]
	release inside

	: >"$TMP/usn0"
	hold outside "$@"
	not grep -vE ' -$|^ready$' "$TMP/outside"
	# The same sockets were made inside.
	diff <(cut -d ' ' -f 1,2 "$TMP/inside" | sort) <(cut -d ' ' -f 1,2 "$TMP/outside" | sort)
	not grep '%usn0' < <(ss -Hatun)
	on_decoy >"$TMP/outside.decoy"
	for kind in $KINDS; do
		grep -q "$kind" "$TMP/outside.decoy"
	done
	release outside
	[ ! -s "$TMP/usn0" ]
}
export KINDS='IP.*>.192\.0\.2\.1\.9:.Flags.\[S\] IP6.*>.2001:db8::1\.9:.Flags.\[S\]
	IP.*>.192\.0\.2\.1\.9:.UDP IP6.*>.2001:db8::1\.9:.UDP
	IP.*>.192\.0\.2\.1:.ICMP.echo IP6.*>.2001:db8::1:.ICMP6,.echo'

# The newest kernels have no UDP-Lite any more.
@test "bind: a Python program, its thread, its child, a grandchild and a daemon" { in_sandbox python; }
python() {
	! grep -q '^UDP-Lite ' /proc/net/protocols || KINDS+=' IP.*>.192\.0\.2\.1:.*136'
	everywhere python3 "$ROOT/tests/helpers/sockets.py"
}

@test "bind: a static binary" { in_sandbox static_binary; }
static_binary() {
	file -L "$ROOT/build/tests/static_socket" | has 'statically linked'
	everywhere "$ROOT/build/tests/static_socket"
}

@test "bind: a Go binary" {
	(cd "$BATS_TEST_DIRNAME/../helpers/go_socket" && GOCACHE=$BATS_TEST_TMPDIR/cache GOFLAGS=-mod=mod GOPROXY=off \
		CGO_ENABLED=0 go build -o "$BATS_TEST_TMPDIR/go_socket" .)
	in_sandbox go_binary
}
go_binary() { everywhere "$TMP/go_socket"; }

@test "bind: ping" { in_sandbox ping_program; }
ping_program() {
	usn up usn0
	decoy
	hold rig usn rig usn0 -- bash -c "echo ready; exec '$ROOT/build/examples/rig_echo'"
	watch usn0 "$FOREIGN"
	for to in 192.0.2.1 192.0.2.7 2001:db8::1 2001:db8::7; do
		usn-run ND=usn0 -- ping -c 2 -i 0.01 -W 5 $to
		eventually grep -q "> $to: ICMP.* seq 2," "$TMP/usn0"
	done
	[ -z "$(on_decoy)" ]
	ping -c 1 -W 5 192.0.2.1
	ping -c 1 -W 5 2001:db8::1
	[ "$(on_decoy | grep -c 'echo request')" = 2 ]
	not ping -c 1 -W 0.1 192.0.2.7
}

@test "bind: curl, and a server on another device" { in_sandbox curl_program; }
curl_program() {
	joined
	watch usn0 'tcp or udp port 9'
	web4="http://10.64.1.1:$(web 10.64.1.1)/"
	web6="http://[fd75:736e:0:1::1]:$(web fd75:736e:0:1::1)/"
	[ "$(usn-run ND=usn0 -- curl -sS --max-time 5 "$web4")" = hello ]
	[ "$(usn-run ND=usn0 -- curl -gsS --max-time 5 --interface fd75:736e::1 "$web6")" = hello ]
	eventually grep -q '10.64.0.1.* > 10.64.1.1.*: Flags \[S\]' "$TMP/usn0"
	eventually grep -q 'fd75:736e::1.* > fd75:736e:0:1::1.*: Flags \[S\]' "$TMP/usn0"
	# Outside a run it takes another way to the host's own address.
	: >"$TMP/usn0"
	[ "$(curl -sS --max-time 5 "$web4")" = hello ]
	usn-run ND=usn0 -- bash -c 'echo last >/dev/udp/10.64.0.9/9'
	eventually grep -q '10.64.0.9.9: UDP' "$TMP/usn0"
	not grep Flags "$TMP/usn0"
}

@test "bind: what a listener accepts" { in_sandbox accepted; }
accepted() {
	joined
	steps server usn-run ND=usn1 --
	steps client usn-run ND=usn0 --
	for family in V4 V6; do
		any=0.0.0.0 from=10.64.0.1 to=10.64.1.1
		[ $family = V4 ] || { any=:: from=fd75:736e::1 to=fd75:736e:0:1::1; }
		expect server ok "l = listen($family, TCP, '$any')"
		port=$(step server 'port(l)')
		expect client ok "c = make($family, TCP); d = make($family, TCP)"
		expect client ok "c.bind(('$from', 0)); c.connect(('$to', $port))"
		expect server ok 's = l.accept()[0]'
		expect server usn1 'device(l)'
		expect server usn1 'device(s)'
		expect client usn0 'device(c)'
		# A child of the server accepts, too.
		expect client ok "d.bind(('$from', 0)); d.connect(('$to', $port))"
		expect server usn1 'in_child(lambda: device(l.accept()[0]))'
		ss -Htn state established | grep "%usn1:$port "
		ss -Htn state established | grep -E "%usn0.*:$port *$"
	done
	# v4 by a v6 listener.
	expect client ok 'c = make(V4, TCP)'
	expect client ok "c.connect(('10.64.1.1', $port))"
	expect server ok 's, peer = l.accept()'
	expect server ::ffff:10.64.0.1 'peer[0]'
	expect server usn1 'device(s)'
	not grep -vE '%usn[01]' < <(ss -Htn state established)
}

@test "bind: two devices of a host reach each other through a rig" { in_sandbox two_devices; }
two_devices() {
	joined
	steps server usn-run ND=usn1 --
	steps client usn-run ND=usn0 --
	for family in V4 V6; do
		to=10.64.1.1
		[ $family = V4 ] || to=fd75:736e:0:1::1
		expect server ok "l = listen($family, TCP, '$to')"
		expect client ok "c = make($family, TCP)"
		expect client ok "c.connect(('$to', $(step server 'port(l)')))"
		expect client usn0 'device(c)'
	done
}

@test "bind: a process in a cgroup below its run's" { in_sandbox nested; }
nested() {
	usn up usn0
	decoy
	# shellcheck disable=SC2016
	hold inside usn-run ND=usn0 -- bash -c '
		cgroup=$(cgroup_tree)$(sed -n s/^0:://p /proc/self/cgroup)/inner/deeper
		mkdir -p "$cgroup"
		echo $$ >"$cgroup/cgroup.procs"
		exec "$ROOT/build/tests/static_socket"'
	[ "$(sed -n 's/^0:://p' "/proc/$(pid_of inside)/cgroup" | grep -c '/usn0-[0-9]*/inner/deeper$')" = 1 ]
	not grep -vE ' usn0$|^ready$' "$TMP/inside"
	[ "$(verdict usn0 bound)" = 6 ]
	[ "$(show usn0 'd["runs"][0]["processes"][0]["pid"]')" = "$(pid_of inside)" ]
	[ -z "$(on_decoy)" ]
	fails 1 "in use" usn down usn0
	release inside
	usn down usn0
	[ -z "$(find "$(cgroup_tree)/usn" -mindepth 1 -type d)" ]
}

@test "bind: twenty runs at once on four devices" { in_sandbox together; }
together() {
	usn up usn0 usn1 usn2 usn3
	for i in {0..19}; do
		usn-run ND=usn$((i % 4)) -- "$ROOT/build/tests/static_socket" </dev/null >"$TMP/$i" &
		pids[i]=$!
	done
	for i in {0..19}; do
		wait "${pids[i]}"
		[ "$(grep -c " usn$((i % 4))\$" "$TMP/$i")" = 6 ]
	done
	for i in 0 1 2 3; do
		[ "$(verdict usn$i bound)" = 30 ]
	done
}

@test "bind: a device that goes refuses, and nothing leaves by another" { in_sandbox device_goes; }
device_goes() {
	usn up usn0
	decoy
	steps app usn-run ND=usn0 --
	for family in V4 V6; do
		expect app ok "u$family = make($family, UDP); t$family = make($family, TCP); r$family = make($family, RAW, 1)"
		expect app usn0 "device(u$family)"
	done
	expect app ok "uV4.connect(('192.0.2.1', 9)); uV6.connect(('2001:db8::1', 9))"
	expect app ok "tV4.bind(('', 0)); tV6.bind(('', 0))"
	expect app 1 "uV4.send(b'x')"
	expect app 1 "uV6.send(b'x')"
	usn down --force usn0
	for family in V4 V6; do
		for kind in UDP TCP 'RAW, 1'; do
			expect app EPERM "make($family, $kind)"
		done
	done
	for s in uV4 uV6; do
		case $(step app "$s.send(b'x')") in ENODEV | ENETUNREACH | ENXIO | EHOSTUNREACH) ;; *) false ;; esac
	done
	for s in "rV4.sendto(b'12345678', ('192.0.2.1', 0))" "rV6.sendto(b'12345678', ('2001:db8::1', 0))" \
		"uV4.connect(('192.0.2.1', 10))" "uV6.connect(('2001:db8::1', 10))" \
		"try_connect(tV4, '192.0.2.1', 9)" "try_connect(tV6, '2001:db8::1', 9)"; do
		case $(step app "$s") in E*) ;; *) false ;; esac
	done
	[ -z "$(on_decoy)" ]
	# It is back: the run's new sockets are on it.
	usn up usn0
	expect app usn0 'device(make(V6, TCP))'
}

@test "bind: what a device that is gone refuses is counted" { in_sandbox refusals_counted; }
refusals_counted() {
	usn up usn0
	steps app usn-run ND=usn0 --
	expect app usn0 'device(make(V4, UDP))'
	usn down --force usn0
	for family in V4 V6; do
		expect app EPERM "make($family, UDP)"
	done
	usn up usn0
	[ "$(verdict usn0 refused_device)" = 2 ]
}

@test "bind: sockets in another network namespace are refused" { in_sandbox other_netns; }
other_netns() {
	usn up usn0
	usn-run ND=usn0 -- unshare -n "$ROOT/build/tests/static_socket" tcp4 tcp6 udp4 udp6 raw4 raw6 </dev/null >"$TMP/out"
	[ "$(grep -c ' EPERM$' "$TMP/out")" = 6 ]
	[ "$(verdict usn0 refused_netns)" = 6 ]
	[ "$(verdict usn0 bound)" = 0 ]
	unshare -n "$ROOT/build/tests/static_socket" </dev/null >"$TMP/out"
	[ "$(grep -c ' -$' "$TMP/out")" = 6 ]
	usn-run ND=usn0 -- "$ROOT/build/tests/static_socket" </dev/null >"$TMP/out"
	[ "$(grep -c ' usn0$' "$TMP/out")" = 6 ]
}

@test "bind: a child of another user" { in_sandbox other_user; }
other_user() {
	usn up usn0
	decoy
	# The user can run it wherever the project is.
	install -m 755 "$ROOT/build/tests/static_socket" /run/static_socket
	hold inside usn-run ND=usn0 -- setpriv --reuid 65534 --regid 65534 --clear-groups \
		/run/static_socket tcp4 tcp6 udp4 udp6 raw4
	[ "$(awk '/^Uid:/ { print $2 }' "/proc/$(pid_of inside)/status")" = 65534 ]
	[ "$(grep -c ' usn0$' "$TMP/inside")" = 4 ]
	grep -qx 'static raw4 EPERM' "$TMP/inside"
	[ -z "$(on_decoy)" ]
}

@test "bind: a host without an IPv6 default route stays one" { in_sandbox guard; }
guard() {
	steps host
	expect host ok 'h = make(V6, UDP)'
	expect host ENETUNREACH "h.connect(('2001:db8::1', 9))"
	usn up usn0 usn1
	watch usn0 "$FOREIGN"
	# The devices' default routes are not for the host's other programs...
	expect host ENETUNREACH "h.connect(('2001:db8::1', 9))"
	expect host ENETUNREACH "make(V6, TCP).connect(('2001:db8::1', 9))"
	# ... but for the runs.
	steps app usn-run ND=usn0 --
	expect app ok 's = make(V6, UDP)'
	expect app ok "s.connect(('2001:db8::1', 9))"
	expect app 1 "s.send(b'x')"
	eventually grep -q '> 2001:db8::1.9: UDP, length 1' "$TMP/usn0"

	usn down --force usn0
	expect host ENETUNREACH "h.connect(('2001:db8::1', 9))"
	usn down usn1
	ip -6 route show table all | grep -v '^\(local\|multicast\) ' >"$TMP/routes" || :
	[ ! -s "$TMP/routes" ]
}
