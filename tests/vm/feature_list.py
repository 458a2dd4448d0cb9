# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The features, each with a function that does it, and what a kernel may lack for it."""
import json
import os
import signal
import subprocess
import sys
import time
from collections import namedtuple

from bench import PATIENCE, Failed, Refused, check, same, verdict_of

# lack: the Lack of a kernel that cannot; None: every kernel can.
Feature = namedtuple("Feature", "name does lack")
# What a refusal names, and the first Linux that has it. This is for the test, which has to know: the tools ask the kernel.
Lack = namedtuple("Lack", "words since")
FEATURES = []
MOVE = Lack("refused_rebind", (5, 12))
TASK = Lack("bpf_get_current_task_btf", (6, 1))
TAPS = Lack("compare-and-exchange", (5, 12))
EXIT_STATUS = Lack("PIDFD_INFO_EXIT", (6, 15))
# A device without checksum offload, as a TUN device is.
SEGMENTS = Lack("EIO", (6, 11))
NOBODY = "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"


def feature(name, lack=None):
    def enter(function):
        FEATURES.append(Feature(name, function, lack))
        return function
    return enter


def ask_echo(program, n=1, address="10.64.0.2", family="V4"):
    """n datagrams of n bytes to the echo, and their answers."""
    program.want("ok", f"s = make({family}, UDP)")
    for _ in range(n):
        program.want(str(n), f"s.sendto(b'x' * {n}, ('{address}', 7))")
        program.want(str(n), "len(s.recv(99))")


def run_of(pid):
    with open(f"/proc/{pid}/cgroup") as f:
        return f.read().strip().rpartition("/")[2]


@feature("usn up, with an echo")
def up(b):
    b.tool("usn", "up", "usn0", "Peer=echo", "Ambient=yes")
    b.tool("usn", "up", "usn1", "Peer=echo")


def binds(family, kind, protocol="0"):
    def does(b):
        for program in b.app(), b.program("usn-run", "ND=usn1", "--"):
            program.want("ok", f"s = make({family}, {kind}, {protocol})")
        b.app().want("usn0", "device(s)")
        b.program("usn-run", "ND=usn1", "--").want("usn1", "device(s)")
        b.host().want("ok", f"s = make({family}, {kind}, {protocol})")
        b.host().want("-", "device(s)")
    return does


for label, family in ("IPv4", "V4"), ("IPv6", "V6"):
    feature(f"usn-run: TCP, {label}")(binds(family, "TCP"))
    feature(f"usn-run: UDP, {label}")(binds(family, "UDP"))
    feature(f"usn-run: raw, {label}")(binds(family, "RAW", "1" if family == "V4" else "58"))


@feature("packets by the device, in and out")
def packets(b):
    ask_echo(b.app())
    ask_echo(b.app(), address="fd75:736e::2", family="V6")


@feature("datagrams in segments, UDP_SEGMENT", SEGMENTS)
def segments(b):
    app = b.app()
    app.want("ok", "s = make(V4, UDP); s.connect(('10.64.0.2', 7)); s.setsockopt(17, 103, 100)")
    answer = app.do("s.send(b'x' * 200)")
    if answer == "EIO":
        raise Refused("send(2) gets EIO")
    same(answer, "200", "sent")
    app.want("[100, 100]", "[len(s.recv(999)), len(s.recv(999))]")


@feature("the echo answers ping, IPv4 and IPv6")
def ping(b):
    app = b.app()
    app.want("ok", "s = make(V4, RAW, 1); s.sendto(echo(77), ('10.64.0.2', 0))")
    app.want("b'\\x00'", "s.recv(99)[20:21]")
    app.want("ok", "s = make(V6, RAW, 58); s.sendto(echo(78, True), ('fd75:736e::2', 0))")
    # A raw socket of ICMPv6 is also told of neighbours.
    app.want("True", "any(s.recv(99)[:1] == b'\\x81' for _ in range(9))")


@feature("loopback stays the host's")
def loopback(b):
    for family, address in ("V4", "127.0.0.1"), ("V6", "::1"):
        b.host().want("ok", f"l = listen({family}, TCP, '{address}')")
        port = b.host().do("port(l)")
        b.app().want("ok", f"s = make({family}, TCP); s.connect(('{address}', {port}))")
        b.app().want("-", "device(s)")


@feature("servers on loopback, in a run", MOVE)
def loopback_server(b):
    before = b.counter("refused_rebind")
    answer = b.app().do("s = make(V4, TCP); s.bind(('127.0.0.1', 0))")
    if answer == "EPERM" and b.counter("refused_rebind") == before + 1:
        raise Refused("bind(2) gets EPERM, counted as refused_rebind")
    same(answer, "ok", "bind to 127.0.0.1")
    b.app().want("-", "device(s)")


@feature("servers of unprivileged users", MOVE)
def unprivileged_server(b):
    before = b.counter("refused_rebind")
    app = b.program("usn-run", "ND=usn0", "--", *NOBODY)
    answer = app.do("s = make(V4, TCP); s.bind(('', 0))")
    if answer == "EPERM" and b.counter("refused_rebind") == before + 1:
        raise Refused("bind(2) of TCP gets EPERM, counted as refused_rebind")
    same(answer, "ok", "bind to any address")
    app.want("usn0", "device(s)")


@feature("usn-run --except")
def exempts(b):
    b.wrong_device()
    app = b.program("usn-run", "--except", "192.0.2.0/24", "ND=usn0", "--")
    app.want("ok", "s = make(V4, UDP); s.connect(('192.0.2.1', 9))")
    app.want("-", "device(s)")
    app.want("1", "s.send(b'x')")
    same(b.wrong.seen(), 1, "packets by the host's way")
    app.want("ok", "s = make(V4, UDP); s.connect(('10.64.0.2', 7))")
    app.want("usn0", "device(s)")


@feature("guard: a packet by another device")
def guard(b):
    b.wrong_device()
    before, app = b.counter("dropped_strayed"), b.app()
    app.want("ok", "import struct; s = make(V4, UDP)")
    app.want("EPERM", "s.sendmsg([b'x'], [(IPPROTO_IP, 8, struct.pack('=III', if_nametoindex('wrong'), 0, 0))], 0, "
                      "('192.0.2.1', 9))")
    app.want("ok", "s = make(V4, UDP); s.connect(('192.0.2.1', 9)); disconnect(s)")
    app.want("EPERM", "s.sendto(b'x', ('192.0.2.1', 9))")
    same(b.wrong.seen(), 0, "packets by the wrong device")
    check(b.counter("dropped_strayed") > before, "the dropped packet is not counted")


@feature("guard: SO_BINDTODEVICE is refused")
def option(b):
    b.wrong_device()
    before, app = b.counter("refused_option"), b.app()
    app.want("ok", "s = make(V4, TCP)")
    app.want("EPERM", "s.setsockopt(SOL_SOCKET, SO_BINDTODEVICE, b'wrong\\0')")
    app.want("EPERM", "s.setsockopt(SOL_SOCKET, 62, 0)")
    app.want("usn0", "device(s)")
    same(b.counter("refused_option") - before, 2, "counted")


@feature("sockets of unprivileged users")
def unprivileged(b):
    app = b.program("usn-run", "ND=usn0", "--", *NOBODY)
    ask_echo(app)
    app.want("ok", "s = make(V4, TCP)")
    app.want("ok", "try_connect(s, '192.0.2.1', 9)")
    app.want("usn0", "device(s)")
    b.host().want("ok", "l = listen(V4, TCP, '127.0.0.1')")
    app.want("ok", f"s = make(V4, TCP); s.connect(('127.0.0.1', {b.host().do('port(l)')}))")
    app.want("-", "device(s)")


@feature("usn-run --dns")
def dns(b):
    before = b.counter("asked")
    app = b.program("usn-run", "--dns", "10.64.0.2", "ND=usn0", "--")
    app.want("ok", "s = make(V4, UDP); s.connect(('127.0.0.53', 53))")
    app.want("usn0", "device(s)")
    app.want("('127.0.0.53', 53)", "s.getpeername()")
    app.want("True", "'nameserver 10.64.0.2' in open('/etc/resolv.conf').read()")
    check(b.counter("asked") > before, "the query is not counted")


@feature("usn list and usn show, as JSON")
def list_json(b):
    b.app()
    devices = {d["name"]: d for d in b.json("usn", "list", "--json")["devices"]}
    check(set(devices) == {"usn0", "usn1"}, f"listed: {list(devices)}")
    pids = [p["pid"] for r in devices["usn0"]["runs"] for p in r["processes"]]
    check(b.app().pid in pids, "the process is not listed")
    same(b.json("usn", "show", "--json", "usn0")["mtu"], 1500, "the MTU")


@feature("usn bind --pid")
def bind_pid(b):
    program = b.program("env", "--")
    b.tool("usn", "bind", "--pid", str(program.pid), "usn1")
    program.want("ok", "s = make(V4, UDP)")
    program.want("usn1", "device(s)")
    b.tool("usn", "unbind", "--pid", str(program.pid))
    program.want("ok", "s = make(V4, UDP)")
    program.want("-", "device(s)")
    b.forget("env", "--")


@feature("usn bind --cgroup, in place")
def bind_cgroup(b):
    with open("/proc/self/mountinfo") as f:
        lines = [line.split() for line in f]
    tree = [w[4] for w in lines if w[w.index("-") + 1] == "cgroup2"][-1]
    os.mkdir(tree + "/placed")
    b.tool("usn", "bind", "--cgroup", "placed", "usn1")
    program = b.program("env", "-u", "NOTHING", "--")
    with open(tree + "/placed/cgroup.procs", "w") as f:
        f.write(str(program.pid))
    program.want("ok", "s = make(V6, TCP)")
    program.want("usn1", "device(s)")
    b.tool("usn", "unbind", "--cgroup", "placed")
    program.want("ok", "s = make(V6, TCP)")
    program.want("-", "device(s)")
    b.forget("env", "-u", "NOTHING", "--")
    os.rmdir(tree + "/placed")


@feature("usn ambient, ND in the environment", TASK)
def ambient(b):
    b.tool("usn", "ambient", "on")
    try:
        program = b.program("env", "ND=usn0")
        program.want("ok", "s = make(V4, UDP)")
        program.want("usn0", "device(s)")
        ask_echo(program)
        stranger = b.program("env", "ND=usn77")
        stranger.want("EPERM", "s = make(V4, UDP)")
        b.host().want("ok", "s = make(V4, UDP)")
        b.host().want("-", "device(s)")
    finally:
        b.forget("env", "ND=usn0")
        b.forget("env", "ND=usn77")
        b.tool("usn", "ambient", "off")


@feature("usn rig")
def rig(b):
    b.tool("usn", "up", "usn2")
    listener = b.listen("", "usn", "rig", "usn2", "--", b.root + "/build/examples/rig_echo")
    program = b.program("usn-run", "ND=usn2", "--")
    end = time.monotonic() + PATIENCE
    while not b.json("usn", "show", "--json", "usn2")["rig"]:
        if time.monotonic() > end:
            raise Failed("there is no rig")
        time.sleep(0.1)
    program.want("ok", "s = make(V4, RAW, 1); s.sendto(echo(79), ('10.64.2.9', 0))")
    program.want("b'\\x00'", "s.recv(99)[20:21]")
    b.forget("usn-run", "ND=usn2", "--")
    listener.process.terminate()
    listener.process.wait()
    b.tool("usn", "down", "usn2")


@feature("usn tail --json, with owners out and in", TAPS)
def tail(b):
    app = b.app()
    tap = b.tail("--json", "usn0", "udp")
    ask_echo(app)
    tap.wait_for("\n", 2)
    rows = tap.rows()
    same([(r["direction"], r.get("pid"), r.get("comm")) for r in rows],
         [(way, app.pid, os.path.basename(sys.executable)) for way in ("out", "in")], "packets")
    check(all(len(r["time"].split(".")[1]) == 9 for r in rows), "no nanoseconds")


@feature("usn tail FILTER", TAPS)
def tail_filter(b):
    tap = b.tail("--json", "usn0", "udp and dst port 7 and less 40")
    ask_echo(b.app(), 2)
    ask_echo(b.app(), 50)
    ask_echo(b.app(), 3)
    tap.wait_for("\n", 5)
    same([r["payload"] for r in tap.rows()], [2, 2, 3, 3, 3], "sizes")


@feature("usn tail --pid and --run", TAPS)
def tail_owner(b):
    one, two = b.app(), b.program("usn-run", "ND=usn0", "--", "env", "--")
    by_pid = b.tail("--json", "--pid", str(two.pid), "-Q", "out", "usn0")
    by_run = b.tail("--json", "--run", run_of(one.pid), "-Q", "out", "usn0")
    ask_echo(one, 1)
    ask_echo(two, 2)
    ask_echo(one, 3)
    by_pid.wait_for("\n", 2)
    by_run.wait_for("\n", 4)
    same([r["payload"] for r in by_pid.rows()], [2, 2], "by pid")
    same([r["payload"] for r in by_run.rows()], [1, 3, 3, 3], "by run")


@feature("two taps at once, one of two devices", TAPS)
def two_taps(b):
    one, both = b.tail("--json", "usn0", "udp"), b.tail("--json", "usn0", "usn1", "udp")
    ask_echo(b.app())
    ask_echo(b.program("usn-run", "ND=usn1", "--"), address="10.64.1.2")
    one.wait_for("\n", 2)
    both.wait_for("\n", 4)
    same([r["device"] for r in one.rows()], ["usn0"] * 2, "one")
    same([r["device"] for r in both.rows()], ["usn0"] * 2 + ["usn1"] * 2, "both")


def blocks(b, file):
    """The packet blocks of a pcapng file, by a reader of the tests' own."""
    done = b.tool(sys.executable, "-S", b.root + "/tests/helpers/pcapng_read.py", file)
    return [r for r in map(json.loads, done.splitlines()) if r["block"] == "packet"]


@feature("usn tail -w, pcapng", TAPS)
def tail_write(b):
    tap = b.tail("-c", "4", "-w", b.path("tail.pcapng"), "usn0", "udp")
    ask_echo(b.app(), 2)
    tap.process.wait(PATIENCE)
    tap.end()
    same(len(blocks(b, b.path("tail.pcapng"))), 4, "packets in the file")


@feature("usn record and usn dump", TAPS)
def record(b):
    b.listen("recording", "usn", "record", "usn0", "udp")
    ask_echo(b.app(), 3)
    end, n = time.monotonic() + PATIENCE, 0
    while n < 6 and time.monotonic() < end:
        try:
            b.tool("usn", "dump", "-w", b.path("dump.pcapng"), "usn0")
            n = len(blocks(b, b.path("dump.pcapng")))
        except Exception as e:
            if "no packets" not in str(e):
                raise
    same(n, 6, "packets in the dump")


@feature("usn-run --dump-on-failure", EXIT_STATUS)
def dump_on_failure(b):
    file = b.path("failure.pcapng")
    code = "import socket as s, sys; u = s.socket(s.AF_INET, s.SOCK_DGRAM); u.sendto(b'x', ('10.64.0.2', 7)); u.recv(9); sys.exit(3)"
    words = ["usn-run", "--dump-on-failure", file, "ND=usn0", "--", sys.executable, "-S", "-c", code]
    # Not into a pipe: the recorder has the other end until the status is fetched.
    with open(b.path("said"), "w+") as said:
        status = subprocess.run(words, stdout=said, stderr=said, check=False).returncode
        said.seek(0)
        verdict_of(words[:3], 0 if status == 3 else status or 1, said.read())
    end = time.monotonic() + PATIENCE
    while not os.path.exists(file) or not os.path.getsize(file):
        if time.monotonic() > end:
            raise Failed("there is no file")
        time.sleep(0.1)


@feature("usn-extcap, interfaces")
def extcap(b):
    printed = b.tool("usn-extcap", "--extcap-interfaces", "--extcap-version=4.0")
    check("{value=usn_usn0}" in printed and "{value=usn_all}" in printed, f"it printed {printed!r}")


@feature("libusn, the example", TAPS)
def libusn(b):
    tap = b.listen("listening", b.root + "/build/examples/tap", "usn0",
                   env={**os.environ, "LD_LIBRARY_PATH": b.root + "/build"})
    ask_echo(b.app())
    tap.wait_for("\n", 2)
    check(f"Out {b.app().pid}/" in tap.printed(), f"it printed {tap.printed()!r}")


@feature("the agent ends and begins again")
def restart(b):
    before, app = b.json("usn", "show", "--json", "usn0"), b.app()
    pids = [int(p) for p in os.listdir("/proc") if p.isdigit() and b.is_agent(p)]
    same(len(pids), 1, "agents")
    os.kill(pids[0], signal.SIGKILL)
    app.want("ok", "s = make(V4, UDP)")
    app.want("usn0", "device(s)")
    after = b.json("usn", "show", "--json", "usn0")
    for key in "name", "ifindex", "addresses", "peer":
        same(after[key], before[key], key)
    same(sorted(r["name"] for r in after["runs"]), sorted(r["name"] for r in before["runs"]), "runs")
    ask_echo(app)


@feature("a device that is gone refuses")
def gone(b):
    b.wrong_device()
    app = b.app()
    app.want("ok", "s = make(V4, UDP)")
    subprocess.run(["ip", "link", "del", "usn0"], check=True)
    check(app.do("s.sendto(b'x', ('192.0.2.1', 9))") in ("ENODEV", "EPERM", "ENETUNREACH"), "the old socket sends")
    end = time.monotonic() + PATIENCE
    while not b.json("usn", "show", "--json", "usn0")["gone"]:
        if time.monotonic() > end:
            raise Failed("the agent does not notice")
        time.sleep(0.1)
    app.want("EPERM", "s = make(V4, UDP)")
    same(b.wrong.seen(), 0, "packets by the wrong device")
    b.tool("usn", "up", "usn0", "Peer=echo", "Ambient=yes")
    app.want("ok", "s = make(V4, UDP)")
    app.want("usn0", "device(s)")
    ask_echo(app)
