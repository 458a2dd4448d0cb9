#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The agent's socket: messages that are wrong, calls, descriptions, and connections that are given up.

load lib
load ../helpers/net

# protocol: python with call(), which sends bytes and returns all answers until the end or a number of them.
protocol() {
	python3 - <<-END
		import json, os, socket, struct, sys
		def connect():
		    s = socket.socket(socket.AF_UNIX)
		    s.settimeout(10)
		    s.connect("/run/usn/usnd.sock")
		    return s
		def messages(s, n):
		    b = b""
		    while b.count(b"\0") < n:
		        try:
		            more = s.recv(65536)
		        except ConnectionResetError:
		            more = b""
		        if not more:
		            break
		        b += more
		    return [json.loads(m) for m in b.split(b"\0")[:-1]]
		def raw(b, n=1):
		    s = connect()
		    try:
		        s.sendall(b)
		    except BrokenPipeError:
		        pass
		    return messages(s, n)
		def call(method, parameters=None, **more):
		    m = dict(method=method, **more)
		    if parameters is not None:
		        m["parameters"] = parameters
		    return raw(json.dumps(m).encode() + b"\0")[0]
		def error(method, parameters=None):
		    return call(method, parameters)["error"]
		$(cat)
	END
}

@test "protocol: garbage, huge and half messages; the agent goes on" { in_sandbox garbage; }
garbage() {
	usnd
	usn up usn0
	protocol <<-'END'
		for b in (b"\0", b"garbage\0", b"[]\0", b"1\0", b"{\0", b"{}{}\0", b"\xff\xfe\0", b"GET / HTTP/1.1\r\n\r\n\0",
		          b"[" * 60000 + b"\0", b'{"a":' * 10000 + b"\0"):
		    assert raw(b) == [], b[:20]
		# The longest message, and much more than that.
		assert raw(b"x" * 65536 + b"\0") == []
		assert raw(b"x" * (8 << 20)) == []
		# Half of one, and no more.
		for b in (b"{", b'{"method":"io.usn.List"}', b""):
		    s = connect()
		    s.sendall(b)
		    s.shutdown(socket.SHUT_WR)
		    assert messages(s, 1) == []
		    connect().close()
		# An honest one in crumbs, and three at once.
		s = connect()
		for c in b'{"method":"io.usn.List"}\0':
		    s.sendall(bytes([c]))
		assert len(messages(s, 1)[0]["parameters"]["devices"]) == 1
		s.sendall(b'{"method":"io.usn.List"}\0' * 3)
		assert [len(m["parameters"]["devices"]) for m in messages(s, 3)] == [1, 1, 1]
		# What was asked before the garbage is answered.
		assert len(raw(b'{"method":"io.usn.List"}\0garbage\0{"method":"io.usn.List"}\0', 3)) == 1
	END
	[ "$(usn list | wc -l)" = 1 ]
}

@test "protocol: unknown methods and wrong parameters" { in_sandbox wrong_calls; }
wrong_calls() {
	usnd
	usn up usn0
	protocol <<-'END'
		service = "org.varlink.service."
		assert error("io.usn.Nonsense") == service + "MethodNotFound"
		assert error("io.usn.") == service + "MethodNotFound"
		assert error("io.usn") == service + "MethodNotFound"
		assert error("io.usn.list") == service + "MethodNotFound"
		assert error("io.usn.ListMore") == service + "MethodNotFound"
		assert error("List") == service + "MethodNotFound"
		assert error("") == service + "MethodNotFound"
		assert call("io.usn.Nonsense")["parameters"] == {"method": "io.usn.Nonsense"}
		for b in (b"{}", b'{"method":5}', b'{"method":null}', b'{"method":["io.usn.List"]}', b'{"parameters":{}}'):
		    assert raw(b + b"\0")[0]["error"] == service + "InvalidParameter", b
		for method in ("Up", "Down", "Run", "Rig"):
		    for p in (None, {}, [], 5, "usn0", {"device": None}, {"device": 5}, {"device": "eth0"}, {"device": "usn4096"},
		              {"device": ["usn0"]}, {"device": {}}):
		        assert error("io.usn." + method, p) == "io.usn.Invalid", (method, p)
		for method in ("Down", "Run", "Rig", "List"):
		    a = call("io.usn." + method, {"device": "usn7"})
		    assert a["error"] == "io.usn.NoSuchDevice" and "usn7 is not up" in a["parameters"]["message"], a
		    assert isinstance(a["parameters"]["errno"], int)
		assert error("io.usn.Run", {"device": "usn0", "netns": 1}) == "io.usn.Failed"
		assert error("io.usn.Run", {"device": "usn0", "netns": "x"}) == "io.usn.Invalid"
		# Settings that are none must not be taken for "no settings".
		for settings in ([5], [None], ["MTU=12"], ["nonsense"], [["MTU=1400"]]):
		    assert error("io.usn.Up", {"device": "usn8", "settings": settings}) == "io.usn.Invalid", settings
		# oneway: no answer, and the next call is answered.
		a = raw(b'{"method":"io.usn.List","oneway":true}\0{"method":"org.varlink.service.GetInfo"}\0')
		assert a[0]["parameters"]["product"] == "usnd"
		a = raw(b'{"method":"io.usn.Up","parameters":{"device":"usn5"},"oneway":true}\0{"method":"io.usn.List"}\0')
		assert [d["name"] for d in a[0]["parameters"]["devices"]] == ["usn0", "usn5"]
	END
	usn down usn0 usn5
	end_agent TERM
	nothing_left
}

@test "protocol: each parameter is of its type, and there is no other" { in_sandbox wrong_types; }
wrong_types() {
	usnd
	usn up usn0
	protocol <<-'END'
		import re
		get = "org.varlink.service.GetInterfaceDescription"
		text = call(get, {"interface": "io.usn"})["parameters"]["description"]
		methods = re.findall(r"^method (\w+)\(([^)]*)\)", text, re.M)
		values = {"string": ["usn0"], "int": [1], "bool": [True], "[]string": [[], ["x"]], "[][]int": [[], [[]], [[1]]]}
		wrong = [0.5, {}, [None], [5], [[["x"]]]] + [v for of in values.values() for v in of]
		tried = 0
		for method, declared in methods:
		    types = dict(re.findall(r"(\w+): (\S+?)(?:,|\s|$)", declared))
		    good = {name: values[t][0] for name, t in types.items() if t[0] != "?"}
		    a = call("io.usn." + method, {**good, "other": 1})
		    assert a["error"] == "io.usn.Invalid" and "'other'" in a["parameters"]["message"], (method, a)
		    for name, t in types.items():
		        # By their text: in Python True is 1.
		        right = [repr(v) for v in values[t.strip("?")]]
		        for v in [v for v in wrong if repr(v) not in right] + ([] if t[0] == "?" else [None]):
		            a = call("io.usn." + method, {**good, name: v})
		            assert a["error"] == "io.usn.Invalid", (method, name, v, a)
		            assert "the parameter '%s' is " % name in a["parameters"]["message"], (method, name, v, a)
		            tried += 1
		assert len(methods) > 12 and tried > 300, (len(methods), tried)
		# Not the whole tree, because its part was named by a number.
		assert not call("io.usn.Ambient")["parameters"]["on"]
	END
	[ "$(usn list | wc -l)" = 1 ]
}

@test "protocol: GetInfo, and a description that tells the truth" { in_sandbox introspection; }
introspection() {
	usnd
	usn up usn0
	steps app usn-run ND=usn0 --
	protocol <<-'END'
		import re
		info = call("org.varlink.service.GetInfo")["parameters"]
		assert set(info) == {"vendor", "product", "version", "url", "interfaces"}, info
		assert info["product"] == "usnd" and re.fullmatch(r"\d+\.\d+\.\d+", info["version"])
		assert "io.usn" in info["interfaces"] and "org.varlink.service" in info["interfaces"]
		get = "org.varlink.service.GetInterfaceDescription"
		assert call(get, {"interface": "io.nonsense"})["error"] == "org.varlink.service.InterfaceNotFound"
		assert call(get, {"interface": "io.nonsense"})["parameters"] == {"interface": "io.nonsense"}
		for p in (None, {}, {"interface": 5}):
		    assert call(get, p)["error"] == "org.varlink.service.InvalidParameter", p
		text = call(get, {"interface": "io.usn"})["parameters"]["description"]
		assert re.search(r"^interface io\.usn$", text, re.M)
		# Every method of the description is there ...
		methods = re.findall(r"^method (\w+)\(", text, re.M)
		assert set(methods) == {"Up", "Down", "List", "Run", "Rig", "Ambient", "Bind", "Unbind", "Tap", "TapMap", "TapAdd", "TapLink", "Yield"}
		for m in methods:
		    assert call("io.usn." + m).get("error", "") != "org.varlink.service.MethodNotFound"
		# ... and what List answers has the fields of the description, no more and no less.
		def fields(name):
		    body = re.search(r"^type %s \((.*?)\)$" % name, text, re.M | re.S).group(1)
		    return {f: t for f, t in re.findall(r"(\w+): ([^,\n]+)", body)}
		kinds = {"int": int, "string": str, "bool": bool, "[]string": list, "[]Run": list, "[]Process": list}
		def check(name, o):
		    want = fields(name)
		    assert set(o) <= set(want), (name, set(o) - set(want))
		    for f, t in want.items():
		        if t[0] == "?" and f not in o:
		            continue
		        v = o[f]
		        if t.strip("?[]") in ("Run", "Process", "Socket", "Traffic", "Verdicts"):
		            for x in v if "[]" in t else [v]:
		                check(t.strip("?[]"), x)
		        else:
		            assert type(v) == kinds[t.lstrip("?")], (name, f, v)
		for p in (None, {"device": "usn0"}):
		    devices = call("io.usn.List", p)["parameters"]["devices"]
		    assert len(devices) == 1 and devices[0]["runs"]
		    check("Device", devices[0])
	END
}

@test "protocol: every interface of GetInfo has a description" { in_sandbox describes_all; }
describes_all() {
	usnd
	protocol <<-'END'
		for name in call("org.varlink.service.GetInfo")["parameters"]["interfaces"]:
		    a = call("org.varlink.service.GetInterfaceDescription", {"interface": name})
		    assert "interface " + name in a.get("parameters", {}).get("description", ""), (name, a)
	END
}

@test "protocol: idle, slow and rude connections; nothing piles up" { in_sandbox many_connections; }
many_connections() {
	usnd
	usn up usn0 Peer=echo
	before=$(ls "/proc/$(agent_pid)/fd" | wc -l)
	protocol <<-'END'
		idle = [connect() for i in range(100)]
		for s in idle[:50]:
		    s.sendall(b'{"meth')
		assert len(call("io.usn.List")["parameters"]["devices"]) == 1
		assert not os.system("usn list >/dev/null && usn-run ND=usn0 -- ping -n -q -c 1 10.64.0.2 >/dev/null")
		# All of them are still good.
		for s in idle[50:]:
		    s.sendall(b'{"method":"io.usn.List"}\0')
		for s in idle[50:]:
		    assert len(messages(s, 1)) == 1
		# One that asks and asks, and never reads.
		s = connect()
		s.setblocking(False)
		try:
		    while True:
		        s.send(b'{"method":"org.varlink.service.GetInterfaceDescription","parameters":{"interface":"io.usn"}}\0')
		except BlockingIOError:
		    pass
		assert len(call("io.usn.List")["parameters"]["devices"]) == 1
		# Descriptors that nobody asked for.
		for n in (1, 2, 5):
		    for i in range(10):
		        with connect() as s:
		            socket.send_fds(s, [b'{"method":"io.usn.List"}\0'], [0] * n)
		            assert len(messages(s, 1)) == 1
		    t = connect()
		    for i in range(10):
		        socket.send_fds(t, [b'{"method":"io.usn.List"}\0'], [0] * n)
		        assert len(messages(t, 1)) == 1
		    t.close()
	END
	eventually bash -c '[ "$(ls "/proc/$(agent_pid)/fd" | wc -l)" -le '"$before"' ]'
}

@test "protocol: more connections than descriptors" { in_sandbox too_many_connections; }
too_many_connections() {
	(
		ulimit -Sn 64
		usnd
	)
	usn up usn0
	# More than it has descriptors for, then fewer again.
	protocol <<-'END'
		many = [connect() for i in range(90)]
		for s in many:
		    s.close()
	END
	eventually usn list
	eventually usn-run ND=usn0 -- true
	[ "$(usn list | wc -l)" = 1 ]
}

@test "protocol: a launch that is given up leaves no run" { in_sandbox abandoned_launch; }
abandoned_launch() {
	usnd
	usn up usn0
	# The launcher gives up before it is in, and with the run's cgroup.procs in hand.
	protocol <<-'END'
		s = connect()
		s.sendall(b'{"method":"io.usn.Run","parameters":{"device":"usn0"}}\0')
		data, fds, flags, address = socket.recv_fds(s, 65536, 4)
		name = json.loads(data[:-1])["parameters"]["run"]
		assert len(fds) == 1 and name.startswith("usn0-")
		assert os.readlink("/proc/self/fd/%d" % fds[0]).endswith("/usn/" + name + "/cgroup.procs")
		# One run a connection.
		s.sendall(b'{"method":"io.usn.Run","parameters":{"device":"usn0"}}\0')
		assert messages(s, 1)[0]["error"] == "io.usn.Busy"
		assert len(call("io.usn.List")["parameters"]["devices"][0]["runs"]) == 1
		s.close()
		while call("io.usn.List")["parameters"]["devices"][0]["runs"]:
		    pass
		# The way in has gone with it.
		try:
		    os.write(fds[0], b"0")
		    sys.exit("entered a run that has ended")
		except OSError:
		    pass
	END
	[ "$(show usn0 'd["runs"]')" = "[]" ]
	[ -z "$(find "$(cgroup_tree)/usn" -mindepth 1 -type d)" ]
	usn down usn0
}

@test "SIGTERM: a launch that is on its way is not in the agent's" { in_sandbox terminated_in_launch; }
terminated_in_launch() {
	usnd --foreground &
	export agent=$!
	eventually [ -e /run/usn/usnd.sock ]
	usn up usn0
	# The launcher has the way in when the agent ends, and goes in afterwards.
	protocol <<-'END'
		s = connect()
		s.sendall(b'{"method":"io.usn.Run","parameters":{"device":"usn0"}}\0')
		data, fds, flags, address = socket.recv_fds(s, 65536, 4)
		os.kill(int(os.environ["agent"]), 15)
		assert s.recv(1) == b""
		os.write(fds[0], b"0")
		assert "/usn/usn0-" in open("/proc/self/cgroup").read()
	END
	wait $agent
	# The next agent finds it, and that it has ended.
	[ "$(show usn0 'd["runs"]')" = "[]" ]
	usn down usn0
	nothing_left
}

@test "protocol: an agent that was started on demand ends when another is to follow" { in_sandbox yields; }
yields() {
	usn up usn0 Peer=echo
	protocol <<-'END'
		assert call("io.usn.Yield") == {"parameters": {}}
	END
	eventually no_agent
	# The next one has all.
	usn-run ND=usn0 -- ping -q -c 1 -W 5 10.64.0.2
	usn down usn0
	nothing_left
	# One that was not started on demand stays.
	usnd
	protocol <<-'END'
		assert error("io.usn.Yield") == "io.usn.Busy"
		os.setresuid(65534, 65534, 65534)
		assert error("io.usn.Yield") == "io.usn.Denied"
	END
	[ "$(agent_pid | wc -w)" = 1 ]
	end_agent TERM
}
