# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The cases. One is a name, statements, and what must come of them.

A statement is one line of Python that the program on the device does (tests/helpers/steps.py, prelude.py). One that
fails does not end the case: what counts is what leaves. Before a colon may stand who does it instead:

    host:  a program beside the tool        far:  one at the far end of the wrong device
    tool:  the back end: down, delete, rename, again, absent

"{_}" is the last answer that was a value. FAR4, FAR6: what is sent to; WRONG, WRONG_IF: the wrong device and its
number; WRONG4, WRONG6: its own addresses.

What must come of it: "safe" is anything but a leak, "right" that it leaves by the right device and by no other, "works"
that the last statement does, "refused" that it does not.
"""
from collections import namedtuple

Case = namedtuple("Case", "name steps want exempt")


def case(name, *steps, want="safe", exempt=None):
    return Case(name, steps, want, exempt)


OPEN4, OPEN6 = "s = make(V4, UDP)", "s = make(V6, UDP)"
STREAM4, STREAM6 = "s = make(V4, TCP)", "s = make(V6, TCP)"
SEND4, SEND6 = "s.sendto(b'x', (FAR4, 9))", "s.sendto(b'x', (FAR6, 9))"
CONNECT4, CONNECT6 = "try_connect(s, FAR4, 9)", "try_connect(s, FAR6, 9)"
AT4, AT6 = "s.connect((FAR4, 9))", "s.connect((FAR6, 9))"

CASES = [
    # Programs as they are.
    case("tcp4", STREAM4, CONNECT4, want="right"),
    case("tcp6", STREAM6, CONNECT6, want="right"),
    case("udp4", OPEN4, SEND4, want="right"),
    case("udp6", OPEN6, SEND6, want="right"),
    case("udp4 connected", OPEN4, AT4, "s.send(b'x')", want="right"),
    case("udp6 connected", OPEN6, AT6, "s.send(b'x')", want="right"),
    case("udp4-mapped", OPEN6, "s.setsockopt(IPPROTO_IPV6, IPV6_V6ONLY, 0)", "s.sendto(b'x', ('::ffff:' + FAR4, 9))",
         want="right"),
    case("udplite4", "s = make(V4, UDP, UDPLITE)", SEND4, want="right"),
    case("icmp4 raw", "s = make(V4, RAW, IPPROTO_ICMP)", "s.sendto(ECHO4, (FAR4, 0))", want="right"),
    case("icmp6 raw", "s = make(V6, RAW, IPPROTO_ICMPV6)", "s.sendto(ECHO6, (FAR6, 0))", want="right"),
    case("tcp4 fast open", STREAM4, "s.setblocking(False)", "s.sendto(b'x', MSG_FASTOPEN, (FAR4, 9))", want="right"),
    case("mptcp", "s = make(V4, TCP, MPTCP)", CONNECT4, want="right"),
    case("io_uring", "uring(URING, FAR4, 9)", want="right"),

    # Programs that go about it in another way.
    case("thread", "in_thread(send4)", want="right"),
    case("grandchild", "in_child(lambda: in_child(send4))", want="right"),
    case("setuid, udp4", "os.setuid(65534)", OPEN4, SEND4, want="right"),
    case("setuid, tcp4", "os.setuid(65534)", STREAM4, CONNECT4, want="right"),
    case("nested cgroup", "nested_cgroup()", OPEN4, SEND4, want="right"),
    case("unshare net", "unshare(CLONE_NEWNET)", OPEN4, SEND4),

    # Programs, run by root, that ask for the wrong device.
    case("SO_BINDTODEVICE", OPEN4, "s.setsockopt(SOL_SOCKET, SO_BINDTODEVICE, WRONG)", SEND4),
    case("SO_BINDTODEVICE, none", OPEN4, "s.setsockopt(SOL_SOCKET, SO_BINDTODEVICE, b'')", SEND4),
    case("SO_BINDTOIFINDEX", OPEN4, "s.setsockopt(SOL_SOCKET, SO_BINDTOIFINDEX, WRONG_IF)", SEND4),
    case("SO_BINDTOIFINDEX, 0", STREAM6, "s.setsockopt(SOL_SOCKET, SO_BINDTOIFINDEX, 0)", CONNECT6),
    case("IP_PKTINFO", OPEN4, "pktinfo4(s, WRONG_IF, (FAR4, 9))"),
    case("IPV6_PKTINFO", OPEN6, "pktinfo6(s, WRONG_IF, (FAR6, 9))"),
    case("IP_UNICAST_IF", OPEN4, "s.setsockopt(IPPROTO_IP, IP_UNICAST_IF, htonl(WRONG_IF))", SEND4),
    case("IPV6_UNICAST_IF", OPEN6, "s.setsockopt(IPPROTO_IPV6, IPV6_UNICAST_IF, htonl(WRONG_IF))", SEND6),
    case("IP_MULTICAST_IF", OPEN4,
         "s.setsockopt(IPPROTO_IP, IP_MULTICAST_IF, struct.pack('=4s4si', bytes(4), bytes(4), WRONG_IF))",
         "s.sendto(b'x', ('233.252.0.1', 9))"),
    case("IPV6_MULTICAST_IF", OPEN6, "s.setsockopt(IPPROTO_IPV6, IPV6_MULTICAST_IF, WRONG_IF)",
         "s.sendto(b'x', ('ff0e::db8:1', 9))"),
    case("link-local scope", OPEN6, "s.sendto(b'x', ('fe80::9', 9, 0, WRONG_IF))"),
    case("wrong source, udp4", OPEN4, "s.bind((WRONG4, 0))", SEND4),
    case("wrong source, tcp4", STREAM4, "s.bind((WRONG4, 0))", CONNECT4),
    case("wrong source, tcp6", STREAM6, "s.bind((WRONG6, 0))", CONNECT6),
    case("SO_MARK", OPEN4, "s.setsockopt(SOL_SOCKET, SO_MARK, 7)", SEND4),
    case("SO_MARK, tcp6", STREAM6, "s.setsockopt(SOL_SOCKET, SO_MARK, 7)", CONNECT6),
    case("MSG_DONTROUTE", OPEN4, "s.sendto(b'x', MSG_DONTROUTE, (FAR4, 9))"),
    case("MSG_DONTROUTE, far end", OPEN4, "s.sendto(b'x', MSG_DONTROUTE, ('198.51.100.2', 9))"),
    case("AF_UNSPEC, udp4", OPEN4, AT4, "disconnect(s)", SEND4),
    case("AF_UNSPEC, udp6", OPEN6, AT6, "disconnect(s)", SEND6),
    case("IP_HDRINCL", "s = make(V4, RAW, IPPROTO_RAW)",
         "s.sendto(struct.pack('>BBHHHBBH4s4s', 69, 0, 20, 0, 0, 64, 253, 0, bytes(4), inet_aton(FAR4)), (FAR4, 0))"),

    # Answers to who comes by the wrong device.
    case("tcp4 listener", "l = listen(V4, TCP, '0.0.0.0')", "port(l)", "far: knock(WRONG4, {_})"),
    case("mptcp listener", "l = make(V4, TCP, MPTCP)", "l.bind(('0.0.0.0', 0))", "l.listen()", "port(l)",
         "far: knock(WRONG4, {_})"),

    # What happens to the device.
    case("down, old socket", OPEN4, "tool: down", SEND4),
    case("down, new socket", "tool: down", OPEN4, SEND4),
    case("deleted, old socket", OPEN4, "tool: delete", SEND4),
    case("deleted, new socket", "tool: delete", OPEN4, SEND4),
    case("deleted, new tcp6", "tool: delete", STREAM6, CONNECT6),
    case("renamed, old socket", OPEN4, "tool: rename", SEND4),
    case("renamed, new socket", "tool: rename", OPEN4, SEND4),
    case("made again, old socket", OPEN4, "tool: again", SEND4),
    case("made again, new socket", "tool: again", OPEN4, SEND4),
    case("missing at start", "tool: absent", want="refused"),

    # What is the host's stays so.
    case("loopback, tcp4", "host: l = listen(V4, TCP, '127.0.0.1')", "host: port(l)", STREAM4, "short(s)",
         "s.connect(('127.0.0.1', {_}))", want="works"),
    case("loopback, tcp6", "host: l = listen(V6, TCP, '::1')", "host: port(l)", STREAM6, "short(s)",
         "s.connect(('::1', {_}))", want="works"),
    case("loopback, udp4 connected", "host: l = listen(V4, UDP, '127.0.0.1')", "host: short(l)", "host: port(l)", OPEN4,
         "s.connect(('127.0.0.1', {_}))", "s.send(b'x')", "host: l.recv(9)", want="works"),
    case("loopback, listener", "l = listen(V4, TCP, '127.0.0.1')", "port(l)", "host: s = make(V4, TCP)",
         "host: short(s)", "host: s.connect(('127.0.0.1', {_}))", want="works"),
    case("exempted address", "s = make(V4, UDP)", "s.connect(('192.0.2.77', 9))", "s.send(b'x')", want="works",
         exempt="192.0.2.77"),
]
