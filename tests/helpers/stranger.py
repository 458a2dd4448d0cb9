# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Packets that a stranger, an address of no network of the host's, sends to the host."""
import ipaddress
import socket
import struct

STRANGER = {"4": "192.0.2.1", "6": "2001:db8::1"}
PORT = 4711
# Where the connection stands that a "segment" belongs to: its next byte, and the next of the host's.
SEQ, ACK = 1, 1000
# RFC 3692: for experiments.
NO_PROTOCOL = 253


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def tcp(port, seq, ack, flags):
    return struct.pack("!HHIIBBHHH", PORT, port, seq, ack, 5 << 4, flags, 1024, 0, 0)


def payload(kind, port):
    """The transport's number, its header, and where in it the checksum stands, None: it has none."""
    what, family = kind[:-1], kind[-1]
    if what == "tcp":
        return socket.IPPROTO_TCP, tcp(port, SEQ, 0, 2), 16
    if what == "segment":
        return socket.IPPROTO_TCP, tcp(port, SEQ, ACK, 0x18) + b"x", 16
    if what == "udp":
        return socket.IPPROTO_UDP, struct.pack("!HHHH", PORT, port, 8, 0), 6
    if what == "echo":
        head = struct.pack("!BBHHH", 8 if family == "4" else 128, 0, 0, 1, 1)
        return socket.IPPROTO_ICMP if family == "4" else socket.IPPROTO_ICMPV6, head, 2
    if what == "other":
        return NO_PROTOCOL, bytes(8), None
    raise ValueError(kind)


def packet(kind, host, port=9):
    """kind: tcp (a SYN), segment (of a connection), udp, echo, or other (a protocol that nobody has), and 4 or 6."""
    family = kind[-1]
    src, dst = (ipaddress.ip_address(a).packed for a in (STRANGER[family], host))
    protocol, data, at = payload(kind, port)
    if at is not None:
        pseudo = src + dst + struct.pack("!II", len(data), protocol) if kind != "echo4" else b""
        data = data[:at] + struct.pack("!H", checksum(pseudo + data)) + data[at + 2:]
    if family == "6":
        return struct.pack("!IHBB", 6 << 28, len(data), protocol, 64) + src + dst + data
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(data), 1, 0, 64, protocol, 0) + src + dst
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + data
