#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Running processes onto a device, and off it.

load lib
load ../helpers/net

@test "bind: a running process, and the list of its sockets" { in_sandbox bind_later; }
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

@test "bind: --rebind takes the sockets that are there, but exempt ones; unbind gives them back" { in_sandbox rebind; }
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

@test "bind: all descendants, also of one that forks meanwhile" { in_sandbox family; }
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

@test "bind: what cannot be bound, and nothing is left" { in_sandbox nonsense; }
nonsense() {
	usn up usn0
	fails 2 'give one of' usn bind usn0
	fails 2 'give one of' usn bind --unit --pid 5 usn0
	fails 2 'rebind goes with' usn bind --unit --rebind usn0
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

in_cgroup() {
	# shellcheck disable=SC2016
	bash -c 'echo 0 >"$1/cgroup.procs"; shift; exec "$@"' - "$@"
}

@test "bind: a cgroup in place" { in_sandbox in_place; }
in_place() {
	usn up usn0 Except=192.0.2.128/25
	decoy
	tree=$(cgroup_tree)
	mkdir -p "$tree/app.slice/app.service/inner" "$tree/other"
	steps old in_cgroup "$tree/app.slice/app.service"
	expect old - 'device(make(V4, UDP))'
	usn bind --cgroup app.slice/app.service usn0
	usn bind --cgroup "$tree/app.slice/app.service" usn0
	expect old usn0 'device(make(V4, UDP))'
	steps new in_cgroup "$tree/app.slice/app.service/inner"
	expect new usn0 'device(make(V6, TCP))'
	steps host in_cgroup "$tree/other"
	expect host - 'device(make(V4, UDP))'
	[ "$(show usn0 '[r["name"] for r in d["runs"]]')" = "['$tree/app.slice/app.service']" ]
	usn list | has "run $tree/app.slice/app.service .*$(step old 'os.getpid()')/python3"
	# All that holds in a run.
	step new 'import struct'
	expect new ok 's = make(V4, UDP)'
	expect new EPERM "s.sendmsg([b'x'], [(IPPROTO_IP, 8, struct.pack('=III', if_nametoindex('decoy'), 0, 0))], 0, ('192.0.2.1', 9))"
	expect new EPERM "s.setsockopt(SOL_SOCKET, SO_BINDTODEVICE, b'decoy')"
	expect new ok "t = make(V4, TCP, 262); try_connect(t, '192.0.2.1', 9)"
	expect new ok "l = listen(V4, TCP, '127.0.0.1'); c = make(V4, TCP); c.connect(l.getsockname())"
	[ -z "$(on_decoy)" ]
	expect new ok "s.connect(('192.0.2.200', 9))"
	expect new 1 "s.send(b'x')"
	on_decoy | has '192\.0\.2\.200\.9:'
	# It outlives the agent, and gets the programs of the next one.
	end_agent KILL
	expect new usn0 'device(make(V4, UDP))'
	eventually usn list
	[ "$(show usn0 'len(d["runs"])')" = 1 ]
	id=$(stat -c %i "$tree/app.slice/app.service")
	[ "$(show_link pinned "/sys/fs/bpf/usn/cgroups/$id/usn_sock_create" | value 'd["prog_id"]')" = \
		"$(bpftool -j prog show pinned /sys/fs/bpf/usn/progs/usn_sock_create | value 'd["id"]')" ]
	fails 1 "in use by $tree/app.slice/app.service" usn down usn0
	# The device goes, and comes.
	usn down --force usn0
	expect new EPERM 'make(V4, UDP)'
	usn up usn0
	expect new usn0 'device(make(V4, UDP))'
	usn unbind --cgroup app.slice/app.service
	expect new - 'device(make(V4, UDP))'
	expect old - 'device(make(V4, UDP))'
	[ ! -e /sys/fs/bpf/usn/cgroups ]
	[ "$(bpftool -j map dump pinned /sys/fs/bpf/usn/maps/bindings)" = "[]" ]
	[ -d "$tree/app.slice/app.service" ]
	usn down usn0
	eventually test ! -e /sys/fs/bpf/usn
}

@test "bind: a cgroup that is removed" { in_sandbox removed; }
removed() {
	usn up usn0
	tree=$(cgroup_tree)
	mkdir "$tree/one" "$tree/two"
	usn bind --cgroup one usn0
	usn bind --cgroup two usn0
	rmdir "$tree/one"
	eventually sh -c '! usn list | grep -q /one'
	[ "$(ls /sys/fs/bpf/usn/cgroups | wc -l)" = 1 ]
	# While there is no agent.
	end_agent KILL
	rmdir "$tree/two"
	eventually usn list
	[ "$(show usn0 'len(d["runs"])')" = 0 ]
	[ ! -e /sys/fs/bpf/usn/cgroups ]
	[ "$(bpftool -j map dump pinned /sys/fs/bpf/usn/maps/bindings)" = "[]" ]
	usn down usn0
	# A bound cgroup keeps an agent that was started on demand, and its end lets it go.
	eventually test ! -e /sys/fs/bpf/usn
}

@test "bind: the unit that this is part of, and what cannot be bound" { in_sandbox unit; }
unit() {
	usn up usn0
	tree=$(cgroup_tree)
	mkdir -p "$tree/a.service/.control" "$tree/b.service"
	in_cgroup "$tree/a.service/.control" usn bind --unit usn0
	in_cgroup "$tree/b.service" usn bind --unit usn0
	for u in a b; do
		[ "$(in_cgroup "$tree/$u.service" python3 -c 'import socket; print(socket.socket().getsockopt(1, 25, 16).rstrip(b"\0").decode())')" = usn0 ]
	done
	in_cgroup "$tree/b.service" usn unbind --unit
	[ "$(in_cgroup "$tree/b.service" python3 -c 'import socket; print(socket.socket().getsockopt(1, 25, 16))')" = "b''" ]
	[ "$(show usn0 'len(d["runs"])')" = 1 ]
	usn up usn1
	fails 1 "is bound to usn0 already" usn bind --cgroup a.service usn1
	fails 1 "is not bound" usn unbind --cgroup b.service
	fails 2 "is the root of all cgroups" usn bind --cgroup / usn0
	fails 2 "is the root of all cgroups" usn bind --cgroup "$tree" usn0
	fails 2 "is where the runs are" usn bind --cgroup usn usn0
	fails 1 "cannot open the cgroup" usn bind --cgroup nowhere usn0
	fails 1 "cannot open the cgroup" usn bind --cgroup ../etc usn0
	fails 1 "usn2 is not up" usn bind --cgroup b.service usn2
	[ "$(ls /sys/fs/bpf/usn/cgroups | wc -l)" = 1 ]
}
