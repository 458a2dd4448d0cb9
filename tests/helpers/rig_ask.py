# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A rig that sends the host one packet of a stranger's, and prints what comes back: usn rig usn0 -- python3 rig_ask.py KIND [ADDRESS].

KIND is tcp4, udp4 or echo4, or the same with 6: to a port where nobody listens at ADDRESS of the host. It prints "SOURCE > DESTINATION PROTOCOL",
or "nothing" after two seconds.
"""
import ipaddress
import os
import select
import socket
import struct
import sys

STRANGER = {"4": "192.0.2.1", "6": "2001:db8::1"}
HOST = {"4": "10.64.0.1", "6": "fd75:736e::1"}
PROTOCOL = {"tcp4": 6, "tcp6": 6, "udp4": 17, "udp6": 17, "echo4": 1, "echo6": 58}


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def payload(kind):
    """The transport's header, and where in it the checksum stands."""
    if kind[:-1] == "tcp":
        return struct.pack("!HHIIBBHHH", 4711, 9, 1, 0, 5 << 4, 2, 1024, 0, 0), 16
    if kind[:-1] == "udp":
        return struct.pack("!HHHH", 4711, 9, 8, 0), 6
    return struct.pack("!BBHHH", 8 if kind == "echo4" else 128, 0, 0, 1, 1), 2


def packet(kind, host):
    family, protocol = kind[-1], PROTOCOL[kind]
    src, dst = (ipaddress.ip_address(a).packed for a in (STRANGER[family], host))
    data, at = payload(kind)
    pseudo = src + dst + struct.pack("!II", len(data), protocol) if kind != "echo4" else b""
    data = data[:at] + struct.pack("!H", checksum(pseudo + data)) + data[at + 2:]
    if family == "6":
        return struct.pack("!IHBB", 6 << 28, len(data), protocol, 64) + src + dst + data
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(data), 1, 0, 64, protocol, 0) + src + dst
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + data


def parts(data):
    if data[0] >> 4 == 4:
        return socket.inet_ntop(socket.AF_INET, data[12:16]), socket.inet_ntop(socket.AF_INET, data[16:20]), data[9]
    return socket.inet_ntop(socket.AF_INET6, data[8:24]), socket.inet_ntop(socket.AF_INET6, data[24:40]), data[6]


def main():
    kind = sys.argv[1]
    host = sys.argv[2] if len(sys.argv) > 2 else HOST[kind[-1]]
    os.write(3, packet(kind, host))
    while select.select([3], [], [], 2)[0]:
        src, dst, protocol = parts(os.read(3, 65536))
        if dst == STRANGER[kind[-1]]:
            print(src, ">", dst, protocol)
            return
    print("nothing")


main()
