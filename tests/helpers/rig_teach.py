#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A rig that tries to teach the host other ways, as a router would: usn rig usn0 -- python3 rig_teach.py LESSON....

A LESSON is
  ra                               a router advertisement with all that there is in one
  redirect4:FROM:TO:FAR:GATEWAY    the router FROM tells the host TO to reach FAR by GATEWAY
  redirect6:FROM:TO:FAR:GATEWAY    the same, with "," for ":" in the addresses

Each is sent three times. Then the rig asks the host for echoes, IPv4 and IPv6, and ends when both have come, so that the
host has dealt with all that was sent before.
"""
import os
import select
import struct
import sys
from socket import AF_INET, AF_INET6, inet_pton

QUEUE = 3
PATIENCE = float(os.environ.get("PATIENCE", 60))
PEER4, HOST4, PEER6, HOST6 = "10.64.0.2", "10.64.0.1", "fd75:736e::2", "fd75:736e::1"


def checksum(data):
    data += bytes(len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def v4(source, to, icmp, options=b""):
    source, to = inet_pton(AF_INET, source), inet_pton(AF_INET, to)
    icmp = icmp[:2] + struct.pack("!H", checksum(icmp)) + icmp[4:]
    words = 5 + len(options) // 4
    head = struct.pack("!BBHHHBBH4s4s", 0x40 + words, 0, 4 * words + len(icmp), 0, 0, 64, 1, 0, source, to) + options
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + icmp


def v6(source, to, icmp):
    source, to = inet_pton(AF_INET6, source), inet_pton(AF_INET6, to)
    pseudo = source + to + struct.pack("!II", len(icmp), 58)
    icmp = icmp[:2] + struct.pack("!H", checksum(pseudo + icmp)) + icmp[4:]
    return struct.pack("!IHBB16s16s", 6 << 28, len(icmp), 58, 255, source, to) + icmp


def advertisement():
    """RFC 4861, 4.2; the options are a prefix, an MTU, and two routes (RFC 4191), one of them the default."""
    data = struct.pack("!BBHBBHII", 134, 0, 0, 33, 0x08, 1800, 12345, 6789)
    data += struct.pack("!BBBBIII16s", 3, 4, 64, 0xC0, 7200, 7200, 0, inet_pton(AF_INET6, "2001:db8:bad::"))
    data += struct.pack("!BBHI", 5, 1, 0, 1280)
    data += struct.pack("!BBBBI", 24, 1, 0, 0x08, 1800)
    data += struct.pack("!BBBBI8s", 24, 2, 48, 0x08, 1800, inet_pton(AF_INET6, "2001:db8:cafe::")[:8])
    return [v6("fe80::bad", "ff02::1", data)]


def redirect4(router, host, far, gateway):
    """RFC 792. What is quoted is an echo reply, for which the kernel looks for no socket; once with options in the header."""
    quoted = v4(host, far, struct.pack("!BBHHH", 0, 0, 0, 1, 1))
    data = struct.pack("!BBH4s", 5, 1, 0, inet_pton(AF_INET, gateway)) + quoted
    return [v4(router, host, data), v4(router, host, data, b"\x01\x01\x01\x00")]


def redirect6(router, host, far, gateway):
    """RFC 4861, 4.5, without options."""
    data = struct.pack("!BBHI16s16s", 137, 0, 0, 0, inet_pton(AF_INET6, gateway), inet_pton(AF_INET6, far))
    return [v6(router, host, data)]


def packets(lesson):
    name, *words = lesson.split(":")
    if name == "ra":
        return advertisement()
    words = [word.replace(",", ":") for word in words]
    return redirect4(*words) if name == "redirect4" else redirect6(*words)


def ask():
    os.write(QUEUE, v4(PEER4, HOST4, struct.pack("!BBHHH", 8, 0, 0, 4711, 1)))
    os.write(QUEUE, v6(PEER6, HOST6, struct.pack("!BBHHH", 128, 0, 0, 4711, 1)))
    missing = {4, 6}
    while missing:
        if not select.select([QUEUE], [], [], PATIENCE)[0]:
            sys.exit("the host does not answer")
        data = os.read(QUEUE, 65536)
        if data[0] >> 4 == 4 and data[9] == 1 and data[20] == 0:
            missing.discard(4)
        if data[0] >> 4 == 6 and data[6] == 58 and data[40] == 129:
            missing.discard(6)


for lesson in sys.argv[1:]:
    for packet in 3 * packets(lesson):
        os.write(QUEUE, packet)
ask()
