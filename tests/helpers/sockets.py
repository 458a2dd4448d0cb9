#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Sockets of all kinds, made by a process, its thread, its child, a grandchild after exec, and a daemon.

Each sends a packet to a foreign address where its kind can. Prints "WHO KIND DEVICE" for every socket
("-": no device), then "ready", and keeps the sockets until its standard input ends.
"""
import errno
import os
import subprocess
import sys
import threading
from socket import *

UDPLITE = 136
ECHO4 = bytes([8, 0, 0xF7, 0xFF, 0, 0, 0, 0])
ECHO6 = bytes([128, 0, 0, 0, 0, 0, 0, 0])
TO = {AF_INET: "192.0.2.1", AF_INET6: "2001:db8::1"}
kept = []


def device(s):
    return s.getsockopt(SOL_SOCKET, SO_BINDTODEVICE, 16).rstrip(b"\0").decode() or "-"


def connecting(s, to):
    s.setblocking(False)
    s.connect_ex((to, 9))


def connected(s, to):
    s.connect((to, 9))
    s.send(b"x")


def sending(s, to):
    s.sendto(b"x", (to, 9))


def pinging(s, to):
    s.sendto(ECHO4 if s.family == AF_INET else ECHO6, (to, 0))


def listening(s, _):
    s.bind(("", 0))
    s.listen()


def bound(s, _):
    s.bind(("", 0))


KINDS = [
    ("tcp", SOCK_STREAM, 0, connecting),
    ("listener", SOCK_STREAM, 0, listening),
    ("udp", SOCK_DGRAM, 0, sending),
    ("udp-connected", SOCK_DGRAM, 0, connected),
    ("udp-bound", SOCK_DGRAM, 0, bound),
    ("udplite", SOCK_DGRAM, UDPLITE, connected),
    ("raw", SOCK_RAW, None, pinging),
]


def one(who, name, family, kind, protocol, use, to):
    try:
        s = socket(family, kind, protocol)
    except OSError as e:
        # Linux drops UDP-Lite some day.
        if protocol != UDPLITE or e.errno != errno.EPROTONOSUPPORT:
            raise
        return
    use(s, to)
    kept.append(s)
    os.write(1, f"{who} {name} {device(s)}\n".encode())


def sockets_of(who):
    for name, kind, protocol, use in KINDS:
        for family, digit, icmp in (AF_INET, 4, IPPROTO_ICMP), (AF_INET6, 6, IPPROTO_ICMPV6):
            number = icmp if protocol is None else protocol
            one(who, f"{name}{digit}", family, kind, number, use, TO[family])
    one(who, "udp-mapped", AF_INET6, SOCK_DGRAM, 0, connected, "::ffff:192.0.2.1")


def keep():
    while os.read(0, 4096):
        pass


def spawn(f):
    """Runs f in a child, to the end of its "ready"; the child then keeps its sockets."""
    r, w = os.pipe()
    if os.fork() == 0:
        try:
            f()
            os.write(w, b"1")
            keep()
        finally:
            os._exit(0)
    os.close(w)
    if not os.read(r, 1):
        sys.exit("a child failed")


def child():
    sockets_of("child")
    p = subprocess.Popen([sys.executable, __file__, "grandchild"], stdout=subprocess.PIPE, text=True)
    for line in p.stdout:
        if line == "ready\n":
            return
        os.write(1, line.encode())
    sys.exit("the grandchild failed")


def daemon():
    os.setsid()
    spawn(lambda: sockets_of("daemon"))


def main():
    if len(sys.argv) > 1:
        sockets_of(sys.argv[1])
    else:
        sockets_of("process")
        t = threading.Thread(target=sockets_of, args=("thread",))
        t.start()
        t.join()
        spawn(child)
        spawn(daemon)
    os.write(1, b"ready\n")
    keep()


main()
