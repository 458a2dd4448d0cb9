#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# A device whose interface is gone under living sockets, and comes back: by name, for new sockets only,
# and nothing ever goes elsewhere.

load lib
load ../helpers/net

# A thousand sockets on usn0, of all kinds, that send to foreign addresses whenever step "send" is done, and what they got.
thousand() {
	ulimit -n 4096
	usn up usn0
	decoy
	steps app usn-run ND=usn0 --
	expect app ok 'us = [make(f, UDP) for f in (V4, V6) for i in range(200)]'
	expect app ok "[u.connect(('192.0.2.1' if u.family == V4 else '2001:db8::1', 9)) for u in us][0]"
	expect app ok 'ns = [make(f, UDP) for f in (V4, V6) for i in range(100)]'
	expect app ok 'ts = [make(f, TCP) for f in (V4, V6) for i in range(150)]'
	expect app ok "[try_connect(t, '192.0.2.1' if t.family == V4 else '2001:db8::1', 9) for t in ts][0]"
	expect app ok 'ls = [listen(f, TCP, a) for f, a in ((V4, "0.0.0.0"), (V6, "::")) for i in range(50)]'
	step app 'exec("def attempt(f):\n  try: return f()\n  except OSError as e: return errno.errorcode[e.errno]")'
	step app "exec('def send(): return sorted({str(attempt(lambda: u.send(b\"x\"))) for u in us} | {str(attempt(lambda: n.sendto(b\"x\", (\"192.0.2.1\" if n.family == V4 else \"2001:db8::1\", 9)))) for n in ns} | {str(attempt(lambda: t.send(b\"x\"))) for t in ts})')"
	expect app 1000 'len(us + ns + ts + ls)'
}

# fresh: how many ms from now until a new socket of the program is on usn0 again.
fresh() {
	local start end
	start=$(date +%s%N)
	until [ "$(step app "attempt(lambda: device(make(V4, UDP)))")" = usn0 ]; do
		end=$(date +%s%N)
		[ $((end - start)) -lt 10000000000 ]
	done
	end=$(date +%s%N)
	echo $(((end - start) / 1000000))
}

# again COMMAND...: deletes usn0 under the thousand, makes it again by COMMAND.
again() {
	thousand
	old=$(show usn0 'd["ifindex"]')
	ip link del usn0
	# The kernel itself refuses the number that is gone; nothing is sent by another one.
	step app 'send()'
	eventually sh -c 'usn list | grep -q "^usn0 GONE"'
	expect app EPERM 'attempt(lambda: make(V4, UDP))'
	expect app EPERM 'attempt(lambda: make(V6, TCP))'
	[ "$(verdict usn0 refused_device)" -ge 1 ]
	[ "$(show usn0 'd["runs"][0]["processes"][0]["sockets"]')" = 1000 ]
	[ "$(show usn0 'len(d["runs"][0]["processes"][0]["stale"])')" = 1000 ]
	usn show usn0 | has -E '^  stale      [0-9]+/python3: 1000 of 1000 sockets, descriptors [0-9]+-'
	"$@"
	[ "$(fresh)" -lt 1000 ]
	[ "$(show usn0 'd["ifindex"]')" != "$old" ]
	watch usn0 "$FOREIGN"
	step app 'send()'
	expect app ok 'new = [make(f, k) for f in (V4, V6) for k in (UDP, TCP)]'
	expect app "['usn0']" 'sorted({device(s) for s in new})'
	expect app 3 "new[0].sendto(b'new', ('192.0.2.1', 10))"
	eventually grep -q '192\.0\.2\.1\.10:' "$TMP/usn0"
	# Which are stale: the old ones, all of them, and none of the new ones.
	[ "$(show usn0 'len(d["runs"][0]["processes"][0]["stale"])')" = 1000 ]
	[ "$(show usn0 'd["runs"][0]["processes"][0]["sockets"]')" = 1004 ]
	[ "$(show usn0 '{s["ifindex"] for s in d["runs"][0]["processes"][0]["stale"]}')" = "{$old}" ]
	[ -z "$(on_decoy)" ]
	expect app ok '[s.close() for s in us + ns + ts + ls][0]'
	[ "$(show usn0 'len(d["runs"][0]["processes"][0]["stale"])')" = 0 ]
}

@test "gone: a device deleted under 1000 sockets, and made again by usn up" { in_sandbox by_usn_up; }
by_usn_up() { again usn up usn0; }

@test "gone: a device deleted under 1000 sockets, and made again by somebody else" { in_sandbox by_ip; }
by_ip() { again ip tuntap add usn0 mode tun; }

@test "gone: a device made again while there is no agent" { in_sandbox without_agent; }
without_agent() {
	made_meanwhile() {
		end_agent KILL
		ip tuntap add usn0 mode tun
		usn list >/dev/null
	}
	again made_meanwhile
}

@test "gone: a device that is renamed, and gets its name back" { in_sandbox renamed; }
renamed() {
	usn up usn0 Peer=echo Except=192.0.2.9
	decoy
	steps app usn-run ND=usn0 --
	expect app ok "s = make(V4, UDP); s.connect(('10.64.0.2', 7))"
	ip link set usn0 down
	ip link set usn0 name other
	ip link set other up
	eventually sh -c 'usn list | grep -q "^usn0 GONE"'
	expect app EPERM 'make(V4, UDP)'
	[ "$(show usn0 'len(d["runs"][0]["processes"][0]["stale"])')" = 1 ]
	# Something else of that name is none of ours.
	ip link add usn0 type veth peer name veth0
	expect app EPERM 'make(V4, UDP)'
	usn list | has '^usn0 GONE'
	ip link del usn0
	ip link set other down
	ip link set other name usn0
	eventually sh -c 'usn list | grep -q "^usn0 up"'
	expect app usn0 'device(make(V4, UDP))'
	[ "$(show usn0 'd["except"]')" = "['loopback', '192.0.2.9/32']" ]
	expect app 1 "s.send(b'x')"
	expect app "b'x'" 's.recv(9)'
	[ -z "$(on_decoy)" ]
}

@test "gone: a device of that name whose queue somebody else has" { in_sandbox busy_queue; }
busy_queue() {
	usn up usn0
	steps app usn-run ND=usn0 --
	expect app usn0 'device(make(V4, UDP))'
	ip link del usn0
	eventually sh -c 'usn list | grep -q "^usn0 GONE"'
	# Made by a program that keeps it: refused until that ends.
	hold other python3 -c '
import fcntl, struct, sys
f = open("/dev/net/tun", "r+b", buffering=0)
fcntl.ioctl(f, 0x400454ca, struct.pack("16sH22x", b"usn0", 0x1001))
fcntl.ioctl(f, 0x400454cb, 1)
print("ready", flush=True)
sys.stdin.read()'
	expect app EPERM 'make(V4, UDP)'
	release other
	eventually sh -c 'usn list | grep -q "^usn0 up"'
	expect app usn0 'device(make(V4, UDP))'
}

@test "gone: a device that is gone is forgotten with its last run" { in_sandbox end_of_gone; }
end_of_gone() {
	usn up usn0 usn1
	steps app usn-run ND=usn0 --
	expect app usn0 'device(make(V4, UDP))'
	ip link del usn0
	eventually sh -c 'usn list | grep -q "^usn0 GONE"'
	fails 1 "usn0 is in use by" usn down usn0
	# With its last run the device is forgotten; no interface of that name is taken from anybody then.
	finish app
	eventually sh -c '! usn list | grep -q usn0'
	ip tuntap add usn0 mode tun
	usn list >/dev/null
	[ "$(usn list | wc -l)" = 1 ]
	ip link del usn0
	# By force, with its runs alive.
	ip link del usn1
	eventually sh -c '! usn list | grep -q usn1'
	eventually test ! -e /sys/fs/bpf/usn
}

@test "an interface that somebody removes: its run is refused, and bound again when it is back" { in_sandbox removed_behind; }
removed_behind() {
	usn up usn0 usn1 Peer=echo
	steps app usn-run ND=usn0 --
	expect app usn0 'device(make(V4, UDP))'
	ip link del usn0
	# Refused at once or once the agent has heard of it, and never unbound: the kernel refuses an index that is gone.
	eventually not expect app usn0 'device(make(V4, UDP))'
	expect app EPERM 'make(V4, UDP)'
	[ "$(usn list --json | value '[(x["name"], x["gone"]) for x in d["devices"]]')" = "[('usn0', True), ('usn1', False)]" ]
	usn show usn0 | has -x '  state      GONE'
	fails 1 "usn0 is in use by" usn down usn0
	fails 1 "usn0 is not up" usn rig usn0 -- true
	fails 125 "usn0 is not up" usn-run ND=usn0 -- true
	# The other device is as it was.
	usn-run ND=usn1 -- ping -n -q -c 1 10.64.1.2
	# Another number, the same name: the living run is on it again.
	ip link add usn0 type veth peer name usn9
	expect app EPERM 'make(V4, UDP)'
	ip link del usn0
	usn up usn0 Peer=echo
	expect app usn0 'device(make(V4, UDP))'
	[ "$(show usn0 'd["runs"][0]["processes"][0]["pid"]')" = "$(pid_of app)" ]
	[ "$(show usn0 'd["verdicts"]["refused_device"]')" -ge 1 ]
}

@test "an interface that goes while there is no agent" { in_sandbox removed_without_agent; }
removed_without_agent() {
	usn up usn0 Peer=echo
	steps app usn-run ND=usn0 --
	expect app usn0 'device(make(V4, UDP))'
	end_agent KILL
	ip link del usn0
	usn list | has '^usn0 GONE'
	expect app EPERM 'make(V4, UDP)'
	usn up usn0 Peer=echo
	expect app usn0 'device(make(V4, UDP))'
}

@test "an interface that somebody renames, and another one in its place" { in_sandbox replaced; }
replaced() {
	usn up usn0
	steps app usn-run ND=usn0 --
	ip link set usn0 down
	ip link set usn0 name other
	ip link set other up
	# The name is free for somebody else now; nothing of the run may get there.
	ip tuntap add dev usn0 mode tap
	ip link set usn0 up
	index=$(ip -json link show usn0 | value 'd[0]["ifindex"]')
	not expect app usn0 'device(make(V4, UDP))'
	[ "$(ip -json link show usn0 | value 'd[0]["ifindex"]')" = "$index" ]
	usn-run ND=usn0 -- true 2>"$TMP/err" || grep . "$TMP/err"
}
