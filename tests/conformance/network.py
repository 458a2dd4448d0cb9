# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The network around the tools: the wrong device, with the host's default routes, and who sees what leaves by one."""
import ctypes
import json
import os
import socket
import subprocess

FAR4, FAR6 = "192.0.2.1", "2001:db8::1"
WRONG, WRONG4, WRONG6 = "decoy", "198.51.100.1", "2001:db8:1::1"
# What the cases send to (RFC 5737, RFC 6676, RFC 3849); all else that passes is the kernel's own.
FOREIGN4 = ("192.0.2.", "198.51.100.", "233.252.0.")
FOREIGN6 = ("2001:db8:", "ff0e::db8:", "fe80::9")
MARKER = "192.0.2.254"
CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)


def sh(*commands):
    """Each is one command line without quotes."""
    for command in commands:
        subprocess.run(command.split(), check=True)


def veth(name, peer, namespace, own=None):
    """A pair without ARP or neighbour discovery, so that nothing that is sent waits for an answer."""
    mac = "02:00:5e:10:00:01"
    inside = f"-n {own} " if own else ""
    sh(f"ip {inside}link add {name} address {mac} arp off type veth "
       f"peer name {peer} address {mac} arp off netns {namespace}",
       f"ip {inside}link set {name} up", f"ip -n {namespace} link set {peer} up")


def decoy():
    """The wrong device, and behind it the network namespace "far". Mark 7 leads there, too."""
    sh("ip netns add far", "ip -n far link set lo up")
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


def parse(packet):
    """What a packet is for, "ADDRESS PROTOCOL"; None if it is none of the cases'."""
    if packet[0] >> 4 == 4:
        to, protocol, known = socket.inet_ntop(socket.AF_INET, packet[16:20]), packet[9], FOREIGN4
        inner = packet[(packet[0] & 15) * 4:]
    elif packet[0] >> 4 == 6:
        to, protocol, known = socket.inet_ntop(socket.AF_INET6, packet[24:40]), packet[6], FOREIGN6
        inner = packet[40:]
    else:
        return None
    # With a reset the kernel itself says that it has no such socket.
    if protocol == socket.IPPROTO_TCP and inner[13] & 4:
        return None
    return f"{to} {protocol}" if to.startswith(known) else None


class Watch:
    """What leaves by a device, from now on."""

    def __init__(self, device, namespace=None):
        self.device, self.namespace = device, namespace
        self.packets, self.marker, self.markers, self.ifindex = None, None, 0, 0
        self.follow()

    def follow(self):
        """The device may be a new one of the same name; without one, the old is still looked at."""
        with InNamespace(self.namespace):
            try:
                ifindex = socket.if_nametoindex(self.device)
            except OSError:
                return
            self.close()
            self.ifindex = ifindex
            # Protocol 0: nothing arrives before the bind.
            self.packets = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
            self.packets.bind((self.device, 3))
            self.packets.settimeout(5)
            self.marker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.marker.setsockopt(socket.SOL_SOCKET, 62, ifindex)

    def close(self):
        for s in self.packets, self.marker:
            if s:
                s.close()

    def _mark(self):
        """Sends a datagram of our own, behind all that was sent before. False: by a device that is down it does not."""
        self.markers += 1
        try:
            self.marker.sendto(b"m", (MARKER, 20000 + self.markers % 10000))
        except OSError:
            return False
        return self._has_carrier()

    def _has_carrier(self):
        """Without one, as of a TUN whose queue nobody has open, what is sent may never be seen."""
        with InNamespace(self.namespace):
            try:
                name = socket.if_indextoname(self.ifindex)
            except OSError:
                return False
            out = subprocess.run(["ip", "-json", "link", "show", "dev", name], capture_output=True, check=False)
        return out.returncode == 0 and "LOWER_UP" in json.loads(out.stdout)[0]["flags"]

    def _read(self):
        """The next packet out; None: there is none."""
        while True:
            try:
                packet, where = self.packets.recvfrom(2048)
            except BlockingIOError:
                return None
            except OSError as e:
                # What the socket is told once when its device goes.
                if isinstance(e, TimeoutError):
                    raise
                continue
            if where[2] == socket.PACKET_OUTGOING and packet:
                return packet

    def seen(self):
        """What has left since last asked."""
        marked, seen = self._mark(), []
        self.packets.settimeout(5 if marked else 0)
        while (packet := self._read()) is not None:
            what = parse(packet)
            if what and what.startswith(MARKER):
                if int.from_bytes(packet[22:24], "big") == 20000 + self.markers % 10000:
                    break
            elif what:
                seen.append(what)
        return seen
