# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the statements of the cases may use beside tests/helpers/steps.py, whose text follows this one."""
import struct
import subprocess
import threading

UDPLITE, MPTCP = 136, 262
SO_BINDTOIFINDEX, IP_PKTINFO, IP_UNICAST_IF, IPV6_UNICAST_IF = 62, 8, 50, 76
CLONE_NEWNET = 0x40000000
TCP_REPAIR, TCP_REPAIR_QUEUE, TCP_QUEUE_SEQ = 19, 20, 21
UDP_CORK, UDP_SEGMENT, SO_ZEROCOPY, MSG_ZEROCOPY = 1, 103, 60, 0x4000000
IP_FREEBIND, IPV6_TRANSPARENT, IPV6_HDRINCL, IPV6_ADDRFORM = 15, 75, 36, 1
IP_ADD_SOURCE_MEMBERSHIP, MCAST_JOIN_GROUP, IPV6_RTHDR = 39, 42, 57
SCTP, SMC_FAMILY = 132, 43
ECHO4 = bytes.fromhex("0800f7ff00000000")
ECHO6 = bytes.fromhex("8000000000000000")


def short(s):
    """For what may get no answer."""
    s.settimeout(0.3)


def send4(host="192.0.2.1"):
    make(V4, UDP).sendto(b"x", (host, 9))
    return "ok"


def pktinfo4(s, ifindex, to, data=b"x"):
    s.sendmsg([data], [(IPPROTO_IP, IP_PKTINFO, struct.pack("=III", ifindex, 0, 0))], 0, to)


def pktinfo6(s, ifindex, to, data=b"x"):
    s.sendmsg([data], [(IPPROTO_IPV6, IPV6_PKTINFO, bytes(16) + struct.pack("=I", ifindex))], 0, to)


def name_of(error):
    return errno.errorcode.get(error.errno, repr(error))


def caught(f):
    """What f returns, or the name of its error."""
    try:
        return f()
    except OSError as e:
        return name_of(e)


def in_thread(f):
    result = []
    t = threading.Thread(target=lambda: result.append(caught(f)))
    t.start()
    t.join()
    return result[0]


def nested_cgroup():
    """Goes into a new cgroup inside its own."""
    with open("/proc/self/mountinfo") as f:
        trees = [w for w in map(str.split, f) if w[w.index("-") + 1] == "cgroup2"]
    if not trees:
        raise OSError(errno.ENOSYS, "no cgroup v2 tree")
    with open("/proc/self/cgroup") as f:
        own = [line.strip()[3:] for line in f if line.startswith("0::")][0]
    path = trees[-1][4] + own.rstrip("/") + f"/nested-{os.getpid()}"
    os.mkdir(path)
    with open(path + "/cgroup.procs", "w") as f:
        f.write("0")


def unshare(what):
    if libc.unshare(what) < 0:
        raise OSError(ctypes.get_errno(), "unshare")


def uring(helper, *words):
    said = subprocess.run([helper, *map(str, words)], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    return said if said == "ok" else errno.errorcode[int(said)]


def knock(host, port):
    """Whether a TCP connection to there comes about."""
    s = make(V6 if ":" in host else V4, TCP)
    short(s)
    try:
        s.connect((host, port))
        return "reached"
    except OSError:
        return "unreached"


def heard(s):
    """Whether somebody has sent something; who did gets an answer."""
    short(s)
    try:
        s.sendto(b"y", s.recvfrom(9)[1])
        return "reached"
    except TimeoutError:
        return "unreached"


def setns(name):
    with open("/run/netns/" + name) as there:
        if libc.setns(there.fileno(), CLONE_NEWNET) < 0:
            raise OSError(ctypes.get_errno(), "setns")


def in_other_netns(f):
    """What f returns in a child process that is in the network namespace "far"."""
    return in_child(lambda: str(caught(lambda: setns("far") or f())))


def sockaddr4(host, number):
    return struct.pack("=H", V4) + struct.pack("!H4s8x", number, inet_aton(host))


def sockaddr6(host):
    return struct.pack("=HHI16sI", V6, 0, 0, inet_pton(V6, host), 0)


def connect_as(s, address):
    """connect(2) with an address of whatever family."""
    s.setblocking(False)
    if libc.connect(s.fileno(), address, len(address)) < 0:
        raise OSError(ctypes.get_errno(), "connect")


def send_as(s, address):
    """sendto(2) with an address of whatever family."""
    if libc.sendto(s.fileno(), b"x", 1, 0, address, len(address)) < 0:
        raise OSError(ctypes.get_errno(), "sendto")


def sendmmsg4(s, host, number, *ifindexes):
    """sendmmsg(2): a datagram for each of the interfaces, with that in IP_PKTINFO."""
    to = ctypes.create_string_buffer(sockaddr4(host, number))
    data = ctypes.create_string_buffer(b"x")
    vector = ctypes.create_string_buffer(struct.pack("=QQ", ctypes.addressof(data), 1))
    kept, messages = [], b""
    for i in ifindexes:
        # A header of 16 bytes and struct in_pktinfo.
        kept.append(ctypes.create_string_buffer(struct.pack("=QIIIII4x", 28, IPPROTO_IP, IP_PKTINFO, i, 0, 0)))
        messages += struct.pack("=QI4xQQQQI4xI4x", ctypes.addressof(to), 16, ctypes.addressof(vector), 1,
                                ctypes.addressof(kept[-1]), 32, 0, 0)
    sent = libc.sendmmsg(s.fileno(), messages, len(ifindexes), 0)
    if sent < len(ifindexes):
        raise OSError(ctypes.get_errno() if sent < 0 else errno.EPERM, "sendmmsg")


def mreqn(group, ifindex):
    """struct ip_mreqn"""
    return inet_aton(group) + bytes(4) + struct.pack("=I", ifindex)


def mreq6(group, ifindex):
    """struct ipv6_mreq"""
    return inet_pton(V6, group) + struct.pack("=I", ifindex)


def group_req(group, ifindex):
    """struct group_req"""
    return struct.pack("=I4x", ifindex) + group.ljust(128, b"\0")


def loose_route(first, last):
    """An IP option, RFC 791, section 3.1."""
    return bytes((0x83, 7, 4)) + inet_aton(first) + b"\0"


def segments(first):
    """A routing header of type 4 with a segment before the destination, RFC 8754: the kernel fills in the last."""
    return bytes((0, 4, 4, 1, 1, 0, 0, 0)) + bytes(16) + inet_pton(V6, first)


def repaired(family, host, number):
    """A connection that is there without a handshake (TCP_REPAIR), at the numbers of tests/helpers/stranger.py."""
    s = make(family, TCP)
    s.setsockopt(IPPROTO_TCP, TCP_REPAIR, 1)
    for queue, seq in ((1, 1), (2, 1000)):
        s.setsockopt(IPPROTO_TCP, TCP_REPAIR_QUEUE, queue)
        s.setsockopt(IPPROTO_TCP, TCP_QUEUE_SEQ, seq)
    s.connect((host, number))
    s.setsockopt(IPPROTO_TCP, TCP_REPAIR, 0)
    return s


def give_up(s):
    """Closes a connection so that nothing is sent again, into the next case."""
    s.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("=ii", 1, 0))
    s.close()


def port_of_killed(family, host, number):
    """The port of a connection whose process has been killed."""
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        s = repaired(family, host, number)
        os.write(w, str(port(s)).encode())
        os.kill(os.getpid(), 9)
    os.close(w)
    os.waitpid(pid, 0)
    with os.fdopen(r) as out:
        return out.read()
