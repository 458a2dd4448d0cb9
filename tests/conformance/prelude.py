# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the statements of the cases may use beside tests/helpers/steps.py, whose text follows this one."""
import struct
import subprocess
import threading

UDPLITE, MPTCP = 136, 262
SO_BINDTOIFINDEX, IP_PKTINFO, IP_UNICAST_IF, IPV6_UNICAST_IF = 62, 8, 50, 76
CLONE_NEWNET = 0x40000000
ECHO4 = bytes.fromhex("0800f7ff00000000")
ECHO6 = bytes.fromhex("8000000000000000")


def short(s):
    """For what may get no answer."""
    s.settimeout(0.3)


def send4(host="192.0.2.1"):
    make(V4, UDP).sendto(b"x", (host, 9))
    return "ok"


def pktinfo4(s, ifindex, to):
    s.sendmsg([b"x"], [(IPPROTO_IP, IP_PKTINFO, struct.pack("=III", ifindex, 0, 0))], 0, to)


def pktinfo6(s, ifindex, to):
    s.sendmsg([b"x"], [(IPPROTO_IPV6, IPV6_PKTINFO, bytes(16) + struct.pack("=I", ifindex))], 0, to)


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


def uring(helper, host, port):
    said = subprocess.run([helper, host, str(port)], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    return said if said == "ok" else errno.errorcode[int(said)]


def knock(host, port):
    """Whether a TCP connection to there comes about."""
    s = make(V4, TCP)
    short(s)
    try:
        s.connect((host, port))
        return "reached"
    except OSError:
        return "unreached"
