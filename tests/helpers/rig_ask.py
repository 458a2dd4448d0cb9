#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A rig that sends the host one packet of a stranger's, and prints what comes back: usn rig usn0 -- python3 rig_ask.py KIND [ADDRESS].

KIND is tcp4, udp4 or echo4, or the same with 6: to a port where nobody listens at ADDRESS of the host. It prints "SOURCE > DESTINATION PROTOCOL",
or "nothing" after two seconds.
"""
import os
import select
import socket
import sys

from stranger import STRANGER, packet

HOST = {"4": "10.64.0.1", "6": "fd75:736e::1"}


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
