#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Running processes onto a device, and off it.

load lib
load ../helpers/net

bind_later() {
	usn up usn0 Peer=echo
	decoy
	steps app
	expect app ok "old = make(V4, UDP); old.connect(('192.0.2.1', 9))"
	expect app ok "local = listen(V4, TCP, '127.0.0.1')"
	expect app 1 "old.send(b'1')"
	on_decoy | has '192\.0\.2\.1\.9:'
	: >"$TMP/decoy"
	usn bind --pid "$(pid_of app)" usn0 >"$TMP/list"
	grep -x '1 process in usn0-1' "$TMP/list"
	grep -E "^$(pid_of app)/python3 fd [0-9]+ udp 198.51.100.1:[0-9]+ > 192.0.2.1:9 on -: left as it is$" "$TMP/list"
	grep -E 'tcp 127.0.0.1:[0-9]+ > \* on -: left as it is$' "$TMP/list"
	[ "$(wc -l <"$TMP/list")" = 3 ]
	# New sockets are on the device; the old one, which is not, is guarded from here on.
	expect app usn0 'device(make(V4, UDP))'
	expect app usn0 'device(make(V6, TCP))'
	expect app - 'device(old)'
	fails 1 "is in the run usn0-1 already" usn bind --pid "$(pid_of app)" usn0
	[ "$(show usn0 'd["runs"][0]["processes"][0]["pid"]')" = "$(pid_of app)" ]
}
@test "bind: a running process, and the list of its sockets" { in_sandbox bind_later; }

rebind() {
	usn up usn0 Except=192.0.2.128/25
	decoy
	steps app
	expect app ok "u = make(V4, UDP); u.connect(('192.0.2.1', 9))"
	expect app ok "u6 = make(V6, UDP); u6.connect(('2001:db8::1', 9))"
	expect app ok "x = make(V4, UDP); x.connect(('192.0.2.200', 9))"
	expect app ok "t = make(V4, TCP); l = listen(V4, TCP, '0.0.0.0')"
	expect app ok "m = make(V4, TCP, 262)"
	expect app ok "local = listen(V4, TCP, '127.0.0.1')"
	usn bind --rebind --pid "$(pid_of app)" usn0 >"$TMP/list"
	expect app "['usn0', 'usn0', '-', 'usn0', 'usn0', 'usn0', '-']" '[device(s) for s in (u, u6, x, t, l, m, local)]'
	[ "$(grep -c ': rebound$' "$TMP/list")" = 5 ]
	[ "$(grep -c ': left: exempt$' "$TMP/list")" = 2 ]
	watch usn0 "$FOREIGN"
	expect app 1 "u.send(b'x')"
	eventually grep -q '192\.0\.2\.1\.9:' "$TMP/usn0"
	[ -z "$(on_decoy)" ]
	expect app 1 "x.send(b'x')"
	on_decoy | has '192\.0\.2\.200\.9:'
	: >"$TMP/decoy"
	# And back.
	usn unbind --pid "$(pid_of app)" >"$TMP/list"
	grep -x '1 process in no run' "$TMP/list"
	expect app - 'device(make(V4, UDP))'
	expect app usn0 'device(u)'
	eventually sh -c '! usn list | grep -q run'
	usn bind --pid "$(pid_of app)" usn0 >/dev/null
	usn unbind --rebind --pid "$(pid_of app)" >"$TMP/list"
	expect app "['-']" 'sorted({device(s) for s in (u, u6, x, t, l, m, local)})'
	expect app 1 "u.send(b'x')"
	on_decoy | has '192\.0\.2\.1\.9:'
}
@test "bind: --rebind takes the sockets that are there, but exempt ones; unbind gives them back" { in_sandbox rebind; }

family() {
	usn up usn0
	# A child, a grandchild, and one that forks without end: each link of that chain is born where its parent is.
	hold top bash -c '
		(sleep 1000 & sleep 1000) &
		chain() { if [ ! -e "$TMP/stop" ]; then chain & wait; fi; }
		chain &
		echo ready
		read -r'
	usn bind --pid "$(pid_of top)" usn0 >"$TMP/list"
	touch "$TMP/stop"
	python3 - "$(pid_of top)" <<-'END'
		import glob, sys
		parent = {}
		for path in glob.glob("/proc/[0-9]*/stat"):
		    try:
		        words = open(path).read().rpartition(")")[2].split()
		    except OSError:
		        continue
		    if words[0] != "Z":
		        parent[int(path.split("/")[2])] = int(words[1])
		tree, seen = {int(sys.argv[1])}, 0
		while len(tree) > seen:
		    seen = len(tree)
		    tree |= {p for p in parent if parent[p] in tree}
		assert len(tree) >= 4, tree
		for p in tree:
		    try:
		        assert "0::/usn/usn0-1\n" in open(f"/proc/{p}/cgroup").read(), p
		    except OSError:
		        pass
	END
}
@test "bind: all descendants, also of one that forks meanwhile" { in_sandbox family; }

nonsense() {
	usn up usn0
	fails 2 'which process' usn bind usn0
	fails 2 'which device' usn bind --pid $$
	fails 2 'is no process id' usn bind --pid x usn0
	fails 2 'is no process id' usn bind --pid 0 usn0
	fails 2 'unexpected' usn unbind --pid $$ usn0
	fails 1 'there is no process 4194303' usn bind --pid 4194303 usn0
	fails 1 'process 1 is the parent of all' usn bind --pid 1 usn0
	fails 1 'thread of the kernel' usn bind --pid 2 usn0
	fails 1 'usn1 is not up' usn bind --pid $$ usn1
	fails 1 'is in no run' usn unbind --pid $$
	[ "$(show usn0 'len(d["runs"])')" = 0 ]
	[ -z "$(find "$(cgroup_tree)/usn" -mindepth 1 -type d)" ]
}
@test "bind: what cannot be bound, and nothing is left" { in_sandbox nonsense; }
