#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A rig that is a network with two routers, 203.0.113.1 and .2 (2001:db8:113::1 and ::2), and all hosts behind them.

A packet whose time to live ends at a router is answered by it. A host answers an echo request, and says of anything
else that there is nobody at that port.
"""
import os
import struct
from ipaddress import ip_address

QUEUE = 3
ROUTERS = 2


def checksum(data):
    data += bytes(len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def v4(source, to, icmp):
    icmp = icmp[:2] + struct.pack("!H", checksum(icmp)) + icmp[4:]
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(icmp), 0, 0, 64, 1, 0, source, to)
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + icmp


def v6(source, to, icmp):
    pseudo = source + to + struct.pack("!II", len(icmp), 58)
    icmp = icmp[:2] + struct.pack("!H", checksum(pseudo + icmp)) + icmp[4:]
    return struct.pack("!IHBB16s16s", 6 << 28, len(icmp), 58, 64, source, to) + icmp


def answer(packet):
    """The answer to a packet, None if there is none."""
    if packet[0] >> 4 == 4:
        make, ttl, kind, source, to = v4, packet[8], packet[9], packet[12:16], packet[16:20]
        payload, router = packet[20:], "203.0.113.%d"
        icmp, ask, reply, exceeded, unreachable = 1, 8, 0, (11, 0), (3, 3)
    else:
        make, ttl, kind, source, to = v6, packet[7], packet[6], packet[8:24], packet[24:40]
        payload, router = packet[40:], "2001:db8:113::%d"
        icmp, ask, reply, exceeded, unreachable = 58, 128, 129, (3, 0), (1, 4)
    quote = packet[:500]
    if ip_address(to).is_multicast or (kind == icmp and payload[0] != ask):
        return None
    if ttl <= ROUTERS:
        return make(ip_address(router % ttl).packed, source, bytes(exceeded) + bytes(6) + quote)
    if kind == icmp:
        return make(to, source, bytes((reply, 0, 0, 0)) + payload[4:])
    return make(to, source, bytes(unreachable) + bytes(6) + quote)


print("ready", flush=True)
while True:
    back = answer(os.read(QUEUE, 65536))
    if back:
        os.write(QUEUE, back)
