# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Who sees what leaves by a device."""
import json
import select
import socket
import subprocess

from network import InNamespace

# What the cases send to (RFC 5737, RFC 6676, RFC 3849); all else that passes is the kernel's own.
FOREIGN4 = ("192.0.2.", "198.51.100.", "233.252.0.")
FOREIGN6 = ("2001:db8:", "ff0e::db8:", "fe80::9")
MARKER = "192.0.2.254"
# What a case may look at beside: that the kernel says of itself that it has no such socket.
ANSWERS = "answers"


def is_answer(protocol, data):
    """A reset, a port unreachable."""
    if protocol == socket.IPPROTO_TCP:
        return data[13] & 4
    return (protocol, data[:2]) in ((socket.IPPROTO_ICMP, b"\3\3"), (socket.IPPROTO_ICMPV6, b"\1\4"))


def groups(protocol, data):
    """The multicast groups of a report: RFC 3376, section 4.2 (IGMP, type 0x22); RFC 3810, 5.2 (MLD, type 143)."""
    size = {(socket.IPPROTO_IGMP, 0x22): 4, (socket.IPPROTO_ICMPV6, 143): 16}.get((protocol, data[0]))
    at = 8
    while size and at + 4 + size <= len(data):
        yield socket.inet_ntop(socket.AF_INET if size == 4 else socket.AF_INET6, data[at + 4:at + 4 + size])
        at += 4 + size * (1 + int.from_bytes(data[at + 2:at + 4], "big")) + 4 * data[at + 1]


def parse(packet, also=None):
    """What a packet is for, "ADDRESS PROTOCOL"; None if it is none of the cases'. also: ANSWERS, or a group."""
    if packet[0] >> 4 == 4:
        to, protocol, known = socket.inet_ntop(socket.AF_INET, packet[16:20]), packet[9], FOREIGN4
        data = packet[(packet[0] & 15) * 4:]
    elif packet[0] >> 4 == 6:
        to, protocol, known = socket.inet_ntop(socket.AF_INET6, packet[24:40]), packet[6], FOREIGN6
        data = packet[40:]
        # A hop-by-hop header, as reports have it.
        if protocol == 0:
            protocol, data = data[0], data[8 * (1 + data[1]):]
    else:
        return None
    if data and also in groups(protocol, data):
        return f"{also} {protocol}"
    if is_answer(protocol, data) and also != ANSWERS:
        return None
    return f"{to} {protocol}" if to.startswith(known) else None


class Watch:
    """What leaves by a device, from now on."""

    def __init__(self, device, namespace=None):
        self.device, self.namespace = device, namespace
        self.packets, self.marker, self.markers, self.ifindex, self.kept = None, None, 0, 0, []
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

    def lose(self):
        """The device is gone, and its number may be another's."""
        self.ifindex = 0

    def close(self):
        for s in self.packets, self.marker:
            if s:
                s.close()

    def _mark(self):
        """Sends a datagram of our own, behind all that was sent before. False: by a device that is down it does not."""
        if not self.ifindex:
            return False
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

    def keep(self, also):
        """Whether one that counts has left, of those that are there to be read; seen() has it, too."""
        self.packets.settimeout(0)
        packet = self._read()
        what = packet and parse(packet, also)
        if what:
            self.kept.append(what)
        return bool(what)

    def seen(self, also=None):
        """What has left since last asked."""
        marked, seen, self.kept = self._mark(), self.kept, []
        self.packets.settimeout(5 if marked else 0)
        while (packet := self._read()) is not None:
            what = parse(packet, also)
            if what and what.startswith(MARKER):
                if int.from_bytes(packet[22:24], "big") == 20000 + self.markers % 10000:
                    break
            elif what:
                seen.append(what)
        return seen


def wait(watches, also):
    """Until something that counts has left by one of them. The kernel says when, at once but by a timer of its own."""
    while ready := select.select([w.packets for w in watches], [], [], 1)[0]:
        if any(w.keep(also) for w in watches if w.packets in ready):
            return "ok"
    return "timeout"
