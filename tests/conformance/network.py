# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The network around the tools: the wrong device, with the host's default routes, and the way in by the right one."""
import contextlib
import ctypes
import os
import socket
import subprocess
import sys

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + "/helpers")
import stranger

FAR4, FAR6 = "192.0.2.1", "2001:db8::1"
WRONG, WRONG4, WRONG6 = "decoy", "198.51.100.1", "2001:db8:1::1"
MAC = "02:00:5e:10:00:01"
CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)


def sh(*commands):
    """Each is one command line without quotes."""
    for command in commands:
        subprocess.run(command.split(), check=True)


def quiet(*commands):
    """As sh, for what may fail."""
    for command in commands:
        subprocess.run(command.split(), stderr=subprocess.DEVNULL, check=False)


def veth(name, peer, namespace, own=None, number=None):
    """A pair without ARP or neighbour discovery, so that nothing that is sent waits for an answer."""
    inside = f"-n {own} " if own else ""
    index = f"index {number} " if number else ""
    sh(f"ip {inside}link add {name} {index}address {MAC} arp off type veth "
       f"peer name {peer} address {MAC} arp off netns {namespace}",
       # In this order: a device that is up before its peer drops what is sent until a worker of the kernel's comes by.
       f"ip -n {namespace} link set {peer} up", f"ip {inside}link set {name} up")


def decoy():
    """The wrong device, and behind it the network namespace "far". Mark 7 leads there, too."""
    sh("ip netns add far", "ip -n far link set lo up")
    settle()
    veth(WRONG, "far0", "far")
    sh(f"ip addr add {WRONG4}/24 dev decoy", f"ip addr add {WRONG6}/64 dev decoy nodad",
       "ip -n far addr add 198.51.100.2/24 dev far0", "ip -n far addr add 2001:db8:1::2/64 dev far0 nodad",
       "ip route add default dev decoy", "ip -6 route add default dev decoy",
       "ip route add default dev decoy table 77", "ip -6 route add default dev decoy table 77",
       "ip rule add fwmark 7 lookup 77 pref 100", "ip -6 rule add fwmark 7 lookup 77 pref 100")


class InNamespace:
    """This thread is in the network namespace of that name meanwhile; None: it stays."""

    def __init__(self, name):
        self.name = name

    def _enter(self, fd):
        if libc.setns(fd, CLONE_NEWNET) < 0:
            raise OSError(ctypes.get_errno(), "setns")

    def __enter__(self):
        if self.name:
            self.home = open("/proc/thread-self/ns/net")
            with open("/run/netns/" + self.name) as there:
                self._enter(there.fileno())

    def __exit__(self, *_):
        if self.name:
            self._enter(self.home.fileno())
            self.home.close()


# Sockets for echo requests, for everybody; and a packet of a stranger's may come in by any device.
SETTINGS = ("ipv4.ping_group_range=0 2147483647", "ipv4.conf.all.rp_filter=0", "ipv4.conf.default.rp_filter=0")


def settle(namespace=None):
    """The settings of a network that the cases need."""
    inside = ["ip", "netns", "exec", namespace] if namespace else []
    subprocess.run([*inside, "sysctl", "-qw", *("net." + s for s in SETTINGS)], check=True)


@contextlib.contextmanager
def one_cpu():
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def put(packet, device, namespace, address):
    """A packet comes in by a veth whose other end is "near0", in the namespace "near"; address: the veth's, IPv4.

    Returns when the kernel has done with it: when a datagram that was sent behind it, on the same CPU, has come in.
    """
    with InNamespace(namespace):
        behind = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        behind.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
    behind.settimeout(5)
    behind.bind(("", 0))
    last = stranger.packet("udp4", address, behind.getsockname()[1])
    with InNamespace("near"):
        wire = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
    with behind, wire, one_cpu():
        for p in packet, last:
            protocol = 0x0800 if p[0] >> 4 == 4 else 0x86dd
            wire.sendto(p, ("near0", protocol, 0, 0, bytes.fromhex(MAC.replace(":", ""))))
        behind.recv(1)
