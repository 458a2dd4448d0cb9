# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The cases. One is a name, statements, and what must come of them.

A statement is one line of Python that the program on the device does (tests/helpers/steps.py, prelude.py). One that
fails does not end the case: what counts is what leaves. Before a colon may stand who does it instead:

    host:  a program beside the tool        far:  one at the far end of the wrong device
    tool:  the back end. To the device: down, delete, rename, again, number (deleted, and its number given to another
           device). absent: there is none. wait: until something has left. inject KIND [PORT [ADDRESS]]: a packet comes
           in by it, see tests/helpers/stranger.py

"{_}" is the last answer that was a value. FAR4, FAR6: what is sent to; WRONG, WRONG_IF: the wrong device and its
number; WRONG4, WRONG6: its own addresses.

What must come of it: "safe" is anything but a leak, "right" that it leaves by the right device and by no other, "works"
that the last statement does, "refused" that it does not. also: what counts beside what is sent, see watch.py.
"""
from collections import namedtuple

from watch import ANSWERS

Case = namedtuple("Case", "name steps want exempt also")


def case(name, *steps, want="safe", exempt=None, also=None):
    return Case(name, steps, want, exempt, also)


def answer(name, *steps):
    """The kernel answers by itself to a packet that came in by the right device."""
    return case("answer: " + name, *steps, want="right", also=ANSWERS)


def join(name, group, *steps):
    """The kernel reports by itself that a group is joined."""
    return case("join, " + name, *steps, "tool: wait", also=group)


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
    case("icmp4 ping", "s = make(V4, UDP, IPPROTO_ICMP)", "s.sendto(ECHO4, (FAR4, 0))", want="right"),
    case("icmp6 ping", "s = make(V6, UDP, IPPROTO_ICMPV6)", "s.sendto(ECHO6, (FAR6, 0))", want="right"),
    case("tcp4 fast open", STREAM4, "s.setblocking(False)", "s.sendto(b'x', MSG_FASTOPEN, (FAR4, 9))", want="right"),
    case("tcp6 fast open", STREAM6, "s.setblocking(False)", "s.sendto(b'x', MSG_FASTOPEN, (FAR6, 9))", want="right"),
    case("mptcp", "s = make(V4, TCP, MPTCP)", CONNECT4, want="right"),
    case("mptcp6", "s = make(V6, TCP, MPTCP)", CONNECT6, want="right"),
    case("sctp", "s = make(V4, TCP, SCTP)", CONNECT4, want="right"),
    case("sctp, one to many", "s = make(V4, SOCK_SEQPACKET, SCTP)", "s.sendto(b'x', (FAR4, 9))", want="right"),
    case("smc", "s = make(SMC_FAMILY, TCP)", "connect_as(s, sockaddr4(FAR4, 9))", want="right"),
    case("io_uring", "uring(URING, FAR4, 9)", want="right"),
    case("MSG_ZEROCOPY", OPEN4, AT4, "s.setsockopt(SOL_SOCKET, SO_ZEROCOPY, 1)", "s.send(b'x', MSG_ZEROCOPY)",
         want="right"),
    case("UDP_SEGMENT", OPEN4, "s.setsockopt(IPPROTO_UDP, UDP_SEGMENT, 1)", "s.sendto(b'xyz', (FAR4, 9))",
         want="right"),
    case("TCP_REPAIR", "s = repaired(V4, FAR4, 9)", "s.send(b'x')", "give_up(s)", want="right"),
    case("v4 address, v6 socket", OPEN6, "send_as(s, sockaddr4(FAR4, 9))", want="right"),

    # Programs that go about it in another way.
    case("thread", "in_thread(send4)", want="right"),
    case("grandchild", "in_child(lambda: in_child(send4))", want="right"),
    case("setuid, udp4", "os.setuid(65534)", OPEN4, SEND4, want="right"),
    case("setuid, tcp4", "os.setuid(65534)", STREAM4, CONNECT4, want="right"),
    case("nested cgroup", "nested_cgroup()", OPEN4, SEND4, want="right"),
    case("unshare net", "unshare(CLONE_NEWNET)", OPEN4, SEND4),
    case("other netns, old socket", OPEN4, "in_other_netns(lambda: s.sendto(b'x', (FAR4, 9)))", want="right"),
    case("other netns, new socket", "host: l = listen(V4, UDP, '0.0.0.0')", "host: port(l)", "p = {_}",
         "in_other_netns(lambda: make(V4, UDP).sendto(b'x', (WRONG4, p)))", "host: heard(l)"),

    # Programs that have been to loopback, where they may.
    case("loopback before, tcp4", STREAM4, "s.connect_ex(('127.0.0.1', 9))", CONNECT4, CONNECT4),
    case("loopback before, tcp6", STREAM6, "s.connect_ex(('::1', 9))", CONNECT6, CONNECT6),
    case("loopback before, udp4", OPEN4, "s.connect(('127.0.0.1', 9))", SEND4),
    case("loopback before, udp6", OPEN6, "s.connect(('::1', 9))", SEND6),
    case("loopback, then connect", OPEN4, "s.connect(('127.0.0.1', 9))", "disconnect(s)", AT4, "s.send(b'x')"),
    case("loopback, then bind", OPEN4, "s.bind(('127.0.0.1', 0))", SEND4, AT4, "s.send(b'x')"),
    case("loopback, accepted", "l = listen(V6, TCP, '::1')", "c = make(V6, TCP)", "c.connect(l.getsockname())",
         "s = l.accept()[0]", "disconnect(s)", CONNECT6),
    case("UDP_CORK", OPEN4, "s.setsockopt(IPPROTO_UDP, UDP_CORK, 1)", AT4, "s.send(b'x')", "disconnect(s)",
         "s.setsockopt(IPPROTO_UDP, UDP_CORK, 0)"),
    case("UDP_CORK, loopback", OPEN6, "s.connect(('::1', 9))", "s.setsockopt(IPPROTO_UDP, UDP_CORK, 1)",
         "s.send(b'x')", AT6, "s.send(b'x')", "s.setsockopt(IPPROTO_UDP, UDP_CORK, 0)"),

    # Programs, run by root, that ask for the wrong device.
    case("SO_BINDTODEVICE", OPEN4, "s.setsockopt(SOL_SOCKET, SO_BINDTODEVICE, WRONG)", SEND4),
    case("SO_BINDTODEVICE, none", OPEN4, "s.setsockopt(SOL_SOCKET, SO_BINDTODEVICE, b'')", SEND4),
    case("SO_BINDTOIFINDEX", OPEN4, "s.setsockopt(SOL_SOCKET, SO_BINDTOIFINDEX, WRONG_IF)", SEND4),
    case("SO_BINDTOIFINDEX, 0", STREAM6, "s.setsockopt(SOL_SOCKET, SO_BINDTOIFINDEX, 0)", CONNECT6),
    case("SO_BINDTODEVICE, io_uring", "uring(URING, FAR4, 9, WRONG.decode())"),
    case("IP_PKTINFO", OPEN4, "pktinfo4(s, WRONG_IF, (FAR4, 9))"),
    case("IPV6_PKTINFO", OPEN6, "pktinfo6(s, WRONG_IF, (FAR6, 9))"),
    case("IP_PKTINFO, connected", OPEN4, AT4, "pktinfo4(s, WRONG_IF, None)"),
    case("IP_PKTINFO, icmp4 raw", "s = make(V4, RAW, IPPROTO_ICMP)", "pktinfo4(s, WRONG_IF, (FAR4, 0), ECHO4)"),
    case("IP_PKTINFO, icmp4 ping", "s = make(V4, UDP, IPPROTO_ICMP)", "pktinfo4(s, WRONG_IF, (FAR4, 0), ECHO4)"),
    case("IP_PKTINFO, sendmmsg", OPEN4, "sendmmsg4(s, FAR4, 9, 0, WRONG_IF, 0)"),
    case("IPV6_PKTINFO, connected", OPEN6, AT6, "pktinfo6(s, WRONG_IF, None)"),
    case("IPV6_PKTINFO, sticky", OPEN6,
         "s.setsockopt(IPPROTO_IPV6, IPV6_PKTINFO, bytes(16) + struct.pack('=I', WRONG_IF))", SEND6),
    case("IPV6_PKTINFO, icmp6 raw", "s = make(V6, RAW, IPPROTO_ICMPV6)", "pktinfo6(s, WRONG_IF, (FAR6, 0), ECHO6)"),
    case("IP_UNICAST_IF", OPEN4, "s.setsockopt(IPPROTO_IP, IP_UNICAST_IF, htonl(WRONG_IF))", SEND4),
    case("IPV6_UNICAST_IF", OPEN6, "s.setsockopt(IPPROTO_IPV6, IPV6_UNICAST_IF, htonl(WRONG_IF))", SEND6),
    case("IP_MULTICAST_IF", OPEN4,
         "s.setsockopt(IPPROTO_IP, IP_MULTICAST_IF, struct.pack('=4s4si', bytes(4), bytes(4), WRONG_IF))",
         "s.sendto(b'x', ('233.252.0.1', 9))"),
    case("IPV6_MULTICAST_IF", OPEN6, "s.setsockopt(IPPROTO_IPV6, IPV6_MULTICAST_IF, WRONG_IF)",
         "s.sendto(b'x', ('ff0e::db8:1', 9))"),
    case("link-local scope", OPEN6, "s.sendto(b'x', ('fe80::9', 9, 0, WRONG_IF))"),
    case("link-local, bound", OPEN6, "s.bind(('ff02::fb', 0, 0, WRONG_IF))", SEND6),
    case("wrong source, udp4", OPEN4, "s.bind((WRONG4, 0))", SEND4),
    case("wrong source, tcp4", STREAM4, "s.bind((WRONG4, 0))", CONNECT4),
    case("wrong source, tcp6", STREAM6, "s.bind((WRONG6, 0))", CONNECT6),
    case("IP_FREEBIND", STREAM4, "s.setsockopt(IPPROTO_IP, IP_FREEBIND, 1)", "s.bind(('198.51.100.77', 0))", CONNECT4),
    case("IP_TRANSPARENT", STREAM4, "s.setsockopt(IPPROTO_IP, IP_TRANSPARENT, 1)", "s.bind(('198.51.100.77', 0))",
         CONNECT4),
    case("IPV6_TRANSPARENT", STREAM6, "s.setsockopt(IPPROTO_IPV6, IPV6_TRANSPARENT, 1)",
         "s.bind(('2001:db8:1::77', 0))", CONNECT6),
    case("IP_OPTIONS, route", OPEN4, "s.setsockopt(IPPROTO_IP, IP_OPTIONS, loose_route('198.51.100.2', FAR4))", SEND4),
    case("IPV6_RTHDR", OPEN6, "s.setsockopt(IPPROTO_IPV6, IPV6_RTHDR, segments('2001:db8:1::2'))", SEND6),
    case("IPV6_ADDRFORM", OPEN6, "s.connect(('::ffff:' + FAR4, 9))", "s.setsockopt(IPPROTO_IPV6, IPV6_ADDRFORM, V4)",
         "s.send(b'x')"),
    case("SO_MARK", OPEN4, "s.setsockopt(SOL_SOCKET, SO_MARK, 7)", SEND4),
    case("SO_MARK, tcp6", STREAM6, "s.setsockopt(SOL_SOCKET, SO_MARK, 7)", CONNECT6),
    case("MSG_DONTROUTE", OPEN4, "s.sendto(b'x', MSG_DONTROUTE, (FAR4, 9))"),
    case("MSG_DONTROUTE, far end", OPEN4, "s.sendto(b'x', MSG_DONTROUTE, ('198.51.100.2', 9))"),
    case("AF_UNSPEC, udp4", OPEN4, AT4, "disconnect(s)", SEND4),
    case("AF_UNSPEC, udp6", OPEN6, AT6, "disconnect(s)", SEND6),
    case("AF_UNSPEC, icmp4 raw", "s = make(V4, RAW, IPPROTO_ICMP)", "s.connect((FAR4, 0))", "disconnect(s)",
         "s.sendto(ECHO4, (FAR4, 0))"),
    case("AF_UNSPEC, icmp4 ping", "s = make(V4, UDP, IPPROTO_ICMP)", "s.connect((FAR4, 0))", "disconnect(s)",
         "s.sendto(ECHO4, (FAR4, 0))"),
    case("IP_HDRINCL", "s = make(V4, RAW, IPPROTO_RAW)",
         "s.sendto(struct.pack('>BBHHHBBH4s4s', 69, 0, 20, 0, 0, 64, 253, 0, bytes(4), inet_aton(FAR4)), (FAR4, 0))"),

    case("IPV6_HDRINCL", "s = make(V6, RAW, 253)", "s.setsockopt(IPPROTO_IPV6, IPV6_HDRINCL, 1)",
         "s.sendto(struct.pack('>IHBB', 6 << 28, 0, 59, 64) + bytes(16) + inet_pton(V6, FAR6), (FAR6, 0))"),

    # Groups, with the right device, the wrong one, or none named.
    join("v4", "233.252.0.2", OPEN4, "s.setsockopt(IPPROTO_IP, IP_ADD_MEMBERSHIP, mreqn('233.252.0.2', 0))"),
    join("v4, wrong device", "233.252.0.3", OPEN4,
         "s.setsockopt(IPPROTO_IP, IP_ADD_MEMBERSHIP, mreqn('233.252.0.3', WRONG_IF))"),
    join("v4, wrong address", "233.252.0.4", OPEN4,
         "s.setsockopt(IPPROTO_IP, IP_ADD_MEMBERSHIP, inet_aton('233.252.0.4') + inet_aton(WRONG4))"),
    join("v4, one source", "233.252.0.5", OPEN4, "s.setsockopt(IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP, "
         "inet_aton('233.252.0.5') + bytes(4) + inet_aton(FAR4))"),
    join("v4, MCAST_JOIN_GROUP", "233.252.0.6", OPEN4,
         "s.setsockopt(IPPROTO_IP, MCAST_JOIN_GROUP, group_req(sockaddr4('233.252.0.6', 0), 0))"),
    join("v6", "ff0e::db8:2", OPEN6, "s.setsockopt(IPPROTO_IPV6, IPV6_JOIN_GROUP, mreq6('ff0e::db8:2', 0))"),
    join("v6, wrong device", "ff0e::db8:3", OPEN6,
         "s.setsockopt(IPPROTO_IPV6, IPV6_JOIN_GROUP, mreq6('ff0e::db8:3', WRONG_IF))"),
    join("v6, MCAST_JOIN_GROUP", "ff0e::db8:4", OPEN6,
         "s.setsockopt(IPPROTO_IPV6, MCAST_JOIN_GROUP, group_req(sockaddr6('ff0e::db8:4'), 0))"),

    # Answers to who comes by the wrong device.
    case("tcp4 listener", "l = listen(V4, TCP, '0.0.0.0')", "port(l)", "far: knock(WRONG4, {_})"),
    case("mptcp listener", "l = make(V4, TCP, MPTCP)", "l.bind(('0.0.0.0', 0))", "l.listen()", "port(l)",
         "far: knock(WRONG4, {_})"),

    case("tcp6 listener", "l = listen(V6, TCP, '::')", "port(l)", "far: knock(WRONG6, {_})"),
    case("tcp4 listener, its address", "l = listen(V4, TCP, WRONG4)", "port(l)", "far: knock(WRONG4, {_})"),
    case("tcp4 listener, setuid", "os.setuid(65534)", "l = make(V4, TCP)", "l.listen()", "port(l)",
         "far: knock(WRONG4, {_})"),
    case("mptcp6 listener", "l = make(V6, TCP, MPTCP)", "l.bind(('::', 0))", "l.listen()", "port(l)",
         "far: knock(WRONG6, {_})"),
    case("udp4 listener", "l = listen(V4, UDP, '0.0.0.0')", "port(l)", "far: make(V4, UDP).sendto(b'x', (WRONG4, {_}))",
         "heard(l)"),
    case("udp6 listener", "l = listen(V6, UDP, '::')", "port(l)", "far: make(V6, UDP).sendto(b'x', (WRONG6, {_}))",
         "heard(l)"),
    case("SO_REUSEPORT", "host: l = make(V4, UDP)", "host: l.setsockopt(SOL_SOCKET, SO_REUSEPORT, 1)",
         "host: l.bind(('0.0.0.0', 0))", "host: port(l)", OPEN4, "s.setsockopt(SOL_SOCKET, SO_REUSEPORT, 1)",
         "s.bind(('0.0.0.0', {_}))", "port(s)",
         "far: [make(V4, UDP).sendto(b'x', (WRONG4, {_})) for i in range(32)]", "heard(s)"),

    # What the kernel answers by itself.
    answer("closed port, tcp4", "tool: inject tcp4"),
    answer("closed port, tcp6", "tool: inject tcp6"),
    answer("closed port, udp4", "tool: inject udp4"),
    answer("closed port, udp6", "tool: inject udp6"),
    answer("echo4", "tool: inject echo4"),
    answer("echo6", "tool: inject echo6"),
    answer("all nodes, echo6", "tool: inject echo6 9 ff02::1"),
    answer("no protocol, v4", "tool: inject other4"),
    answer("no protocol, v6", "tool: inject other6"),
    answer("killed, tcp4", "port_of_killed(V4, FAR4, 4711)", "tool: inject segment4 {_}", "tool: inject segment4 {_}"),
    answer("killed, tcp6", "port_of_killed(V6, FAR6, 4711)", "tool: inject segment6 {_}", "tool: inject segment6 {_}"),
    answer("listener, tcp4", "l = listen(V4, TCP, '0.0.0.0')", "port(l)", "tool: inject tcp4 {_}"),
    answer("listener, tcp6", "l = listen(V6, TCP, '::')", "port(l)", "tool: inject tcp6 {_}"),

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
    case("number taken, old udp4", OPEN4, "tool: number", SEND4),
    case("number taken, old udp6", OPEN6, "tool: number", SEND6),
    case("number taken, old tcp4", STREAM4, "tool: number", CONNECT4),
    case("number taken, new udp4", "tool: number", OPEN4, SEND4),
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
