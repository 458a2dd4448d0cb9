#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Ambient mode: ND in the environment of any process, and nothing else, binds its sockets.

load lib
load ../helpers/net

ambient() {
	usn ambient show --json | value "d['$1']"
}

# named ND: the device of a new socket of a process with this environment.
named() {
	env "$@" python3 -c '
import socket
try:
    print(socket.socket().getsockopt(1, 25, 16).rstrip(b"\0").decode() or "-")
except OSError as e:
    print(e.strerror)'
}

@test "ambient: ND=usn0 of any process, and of no other" { in_sandbox basics; }
basics() {
	usn up usn0 Peer=echo Ambient=yes
	decoy
	[ "$(named ND=usn0)" = - ]
	usn ambient on
	usn ambient on
	usn ambient show | has '^on for '
	ND=usn0 ping -n -q -c 1 10.64.0.2
	ND=usn0 ping -n -q -c 1 fd75:736e::2
	for program in "python3 -c" "setpriv --reuid 65534 --clear-groups /usr/bin/python3 -c"; do
		# shellcheck disable=SC2086
		[ "$(ND=usn0 $program '
import os, socket, threading
from socket import *
out = []
def device(*kind):
    s = socket(*kind)
    try:
        s.connect(("192.0.2.1" if kind[0] == AF_INET else "2001:db8::1", 9)) if kind[1] == SOCK_DGRAM else s.setblocking(False) or s.connect_ex(("192.0.2.1" if kind[0] == AF_INET else "2001:db8::1", 9))
    finally:
        out.append(s.getsockopt(SOL_SOCKET, SO_BINDTODEVICE, 16).rstrip(b"\0").decode())
for family in (AF_INET, AF_INET6):
    for kind in (SOCK_STREAM, SOCK_DGRAM):
        device(family, kind)
t = threading.Thread(target=device, args=(AF_INET, SOCK_DGRAM))
t.start()
t.join()
if os.fork() == 0:
    device(AF_INET, SOCK_DGRAM)
    os._exit(set(out) != {"usn0"})
print(os.wait()[1], set(out))')" = "0 {'usn0'}" ]
	done
	[ -z "$(on_decoy)" ]
	# The reverse: who does not say ND leaves as ever.
	echo >/dev/udp/192.0.2.1/9
	on_decoy | has '192\.0\.2\.1\.9:'
	[ "$(ambient refused_unknown)" = 0 ]
	usn ambient off
	usn ambient off
	usn ambient show | has -x off
	[ "$(named ND=usn0)" = - ]
	[ ! -e /sys/fs/bpf/usn/ambient ]
}

@test "ambient: what names no device is refused and counted" { in_sandbox unknown; }
unknown() {
	usn up usn0 Ambient=yes
	usn up usn1
	usn ambient on
	n=0
	for nd in usn1 usn2 '' usn usn00 usn0x 'usn0 ' lo eth0 a-name-that-is-too-long-for-one usn000000000000; do
		[ "$(named "ND=$nd")" = "Operation not permitted" ]
		n=$((n + 1))
		[ "$(ambient refused_unknown)" = $n ]
	done
	bpftool map dump pinned /sys/fs/bpf/usn/ambient/maps/ambient_counters | has '"refused_unknown"'
	[ "$(named ND=usn0)" = usn0 ]
	[ "$(named XND=usn0)" = - ]
	[ "$(named NDX=usn0)" = - ]
	[ "$(named X=ND=usn0)" = - ]
	[ "$(named nd=usn0)" = - ]
	# Down and up again.
	steps app env ND=usn0
	expect app ok "s = make(V4, UDP); s.connect(('10.64.0.2', 9))"
	usn down usn0
	[ "$(named ND=usn0)" = "Operation not permitted" ]
	expect app EPERM "s.connect(('127.0.0.1', 9))"
	expect app EPERM 'make(V4, UDP)'
	usn up usn0 Ambient=yes
	expect app usn0 'device(make(V4, UDP))'
	fails 1 'different Ambient=' usn up usn0 Ambient=no
	fails 2 'use yes or no' usn up usn3 Ambient=maybe
}

@test "ambient: ND anywhere in the environment, and nothing that looks like it" { in_sandbox places; }
places() {
	usn up usn0 Ambient=yes
	usn ambient on
	python3 - <<-'END'
		import os, subprocess, sys
		show = ["/usr/bin/python3", "-c", """
		import socket
		try: print(socket.socket().getsockopt(1, 25, 16).rstrip(b'\\0').decode() or '-')
		except OSError: print('refused')""".replace("\t", "").strip()]
		def device(variables):
		    # The order of the environment is that of the dictionary.
		    return subprocess.run(show, env=variables, capture_output=True, text=True, check=True).stdout.strip()
		nd = {"ND": "usn0"}
		many = lambda n: {f"V{i}": "x" for i in range(n)}
		assert device(nd) == "usn0"
		assert device({**many(10), **nd, "Z": "z"}) == "usn0"
		assert device({**many(10), **nd}) == "usn0"
		assert device({**many(2000), **nd}) == "usn0"
		assert device({"LONG": "x" * 100000, **nd}) == "usn0"
		# Around the size of a piece, and its multiples: a variable is never mistaken for the middle of another.
		for n in [*range(245, 262), *range(500, 516), *range(760, 770)]:
		    assert device({"L": "x" * n, **nd}) == "usn0", n
		    assert device({"L": "x" * n + "ND=usn0"}) == "-", n
		# More than can be read is not taken for none.
		assert device(many(2100)) == "refused"
		assert device(many(2000)) == "-"
	END
	[ "$(ambient refused_unreadable)" -ge 1 ]
}

@test "ambient: exec changes it, fork keeps it, setenv is not seen" { in_sandbox exec_and_fork; }
exec_and_fork() {
	usn up usn0 usn1 Ambient=yes
	usn ambient on
	# The same process, with another environment each time.
	[ "$(ND=usn0 python3 -c '
import os, socket, sys
code = """
import os, socket, sys
print(socket.socket().getsockopt(1, 25, 16).rstrip(b"\\0").decode() or "-", flush=True)
rest = sys.argv[2:]
env = dict(os.environ)
env.pop("ND", None)
if rest: os.execve(sys.executable, [sys.executable, "-c", sys.argv[1], sys.argv[1], *rest[1:]], {**env, **({"ND": rest[0]} if rest[0] != "-" else {})})
"""
socket.socket()
os.execve(sys.executable, [sys.executable, "-c", code, code, "usn1", "-", "usn0"], {"ND": "usn0"})' | tr '\n' ' ')" = "usn0 usn1 - usn0 " ]
	# setenv is not seen.
	[ "$(ND=usn0 python3 -c '
import os, socket
os.environ["ND"] = "usn1"
print(socket.socket().getsockopt(1, 25, 16).rstrip(b"\0").decode())')" = usn0 ]
}

@test "ambient: the same guard, exemptions and name servers" { in_sandbox guarded; }
guarded() {
	usn up usn0 Ambient=yes Peer=echo Except=192.0.2.9 DNS=10.64.0.2
	decoy
	usn ambient on
	steps app env ND=usn0
	step app 'import struct'
	expect app ok 's = make(V4, UDP)'
	expect app EPERM "s.sendmsg([b'x'], [(IPPROTO_IP, 8, struct.pack('=III', if_nametoindex('decoy'), 0, 0))], 0, ('192.0.2.1', 9))"
	[ "$(verdict usn0 dropped_strayed)" = 1 ]
	expect app EPERM "s.setsockopt(SOL_SOCKET, SO_BINDTODEVICE, b'decoy')"
	expect app EPERM "s.setsockopt(SOL_SOCKET, SO_BINDTODEVICE, b'')"
	expect app ok "s.connect(('10.64.0.2', 7))"
	expect app ok 'disconnect(s)'
	expect app EPERM "s.sendto(b'x', ('192.0.2.1', 9))"
	[ "$(verdict usn0 refused_option)" = 2 ]
	[ "$(verdict usn0 refused_send)" = 1 ]
	expect app ok 's = make(V4, TCP, 262)'
	expect app ok "try_connect(s, '192.0.2.1', 9)"
	expect app usn0 'device(s)'
	ip addr add fe80::7/64 dev decoy nodad
	expect app ok 's = make(V6, UDP)'
	step app "s.bind(('fe80::7', 0, 0, if_nametoindex('decoy')))"
	expect app EPERM "s.sendto(b'x', ('2001:db8::1', 9))"
	watch usn0 'port 53'
	expect app ok 's = make(V4, UDP)'
	expect app 1 "s.sendto(b'q', ('127.0.0.53', 53))"
	eventually grep -q '10\.64\.0\.2\.53:' "$TMP/usn0"
	[ -z "$(on_decoy)" ]
	# Exemptions.
	expect app ok "l = listen(V4, TCP, '127.0.0.1')"
	expect app ok 'c = make(V4, TCP); c.connect(l.getsockname())'
	expect app ok "s = make(V4, UDP); s.connect(('192.0.2.9', 9))"
	expect app 1 "s.send(b'x')"
	on_decoy | has '192\.0\.2\.9\.9:'
	# What is off does not guard any more, but what is bound is bound.
	expect app ok 's = make(V4, UDP)'
	usn ambient off
	expect app usn0 'device(s)'
}

@test "ambient: a run goes before" { in_sandbox runs_first; }
runs_first() {
	usn up usn0 usn1 Ambient=yes
	usn ambient on
	steps app usn-run ND=usn1 -- env ND=usn0
	expect app usn1 'device(make(V4, UDP))'
	steps plain usn-run ND=usn1 -- env -u ND
	expect plain usn1 'device(make(V4, UDP))'
	[ "$(verdict usn0 bound)" = 0 ]
	# An unknown name does not matter there.
	steps other usn-run ND=usn1 -- env ND=nonsense
	expect other usn1 'device(make(V4, UDP))'
}

@test "ambient: below a cgroup only" { in_sandbox subtree; }
subtree() {
	usn up usn0 Ambient=yes
	tree=$(cgroup_tree)
	mkdir -p "$tree/a/b" "$tree/c"
	usn ambient on --cgroup a
	[ "$(usn ambient show --json | value 'd["cgroup"]')" = "$tree/a" ]
	in_cgroup() { bash -c 'echo 0 >"$1/cgroup.procs"; named ND=usn0' - "$1"; }
	[ "$(in_cgroup "$tree/a")" = usn0 ]
	[ "$(in_cgroup "$tree/a/b")" = usn0 ]
	[ "$(in_cgroup "$tree/c")" = - ]
	usn ambient on --cgroup "$tree/a"
	fails 1 "ambient mode is on for $tree/a" usn ambient on
	fails 1 "ambient mode is on for $tree/a" usn ambient on --cgroup c
	fails 1 'cannot open the cgroup' usn ambient on --cgroup nowhere
	fails 1 'cannot open the cgroup' usn ambient on --cgroup /etc
	fails 2 'on, off or show' usn ambient
	fails 2 'not on, off or show' usn ambient up
	fails 2 '--cgroup goes with on' usn ambient --cgroup a off
	fails 2 '--json goes with show' usn ambient --json on
	usn ambient off
	usn ambient on --cgroup c
	[ "$(in_cgroup "$tree/c")" = usn0 ]
	[ "$(in_cgroup "$tree/a")" = - ]
	# The cgroup goes while there is no agent.
	end_agent KILL
	rmdir "$tree/c"
	eventually usn list
	usn ambient show | has -x off
}

@test "ambient: it outlives the agent and the last device" { in_sandbox lives; }
lives() {
	ND=usn0 usn up usn0 Ambient=yes
	ND=usn0 usn ambient on
	steps app env ND=usn0
	expect app usn0 'device(make(V4, UDP))'
	link=$(show_link pinned /sys/fs/bpf/usn/ambient/links/usn_nd_sock_create | value 'd["id"]')
	end_agent KILL
	expect app usn0 'device(make(V4, UDP))'
	[ "$(named ND=usn1)" = "Operation not permitted" ]
	eventually usn list
	usn ambient show | has '^on for '
	[ "$(show_link pinned /sys/fs/bpf/usn/ambient/links/usn_nd_sock_create | value 'd["id"]')" = "$link" ]
	expect app usn0 'device(make(V4, UDP))'
	# It outlives the last device, and the agent with it, and refuses.
	usn down usn0
	expect app EPERM 'make(V4, UDP)'
	end_agent KILL
	eventually usn list
	expect app EPERM 'make(V4, UDP)'
	usn ambient off
	eventually test ! -e /sys/fs/bpf/usn
	eventually no_agent
	expect app - 'device(make(V4, UDP))'
}
