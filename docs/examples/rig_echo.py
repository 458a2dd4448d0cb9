#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A rig that answers ping, IPv4 and IPv6, for every address behind its device.

    usn rig usn0 -- python3 rig_echo.py

`usn rig` hands over the queue of the device, as the descriptor whose number is in USN_FD. Each read
returns one IP packet that an application sent, from the first byte of its header on. Each write is
one IP packet that the applications receive. A read blocks until there is a packet. When this
program ends, by SIGTERM or otherwise, the rig ends; the device stays.
"""

import os
import sys

PACKET_MAX = 65536  # bytes; an IP packet without jumbograms is shorter

# IP protocol numbers and ICMP types: RFC 792, RFC 4443
ICMP, ICMPV6 = 1, 58
ECHO_REPLY, ECHO_REQUEST = 0, 8
ECHO_REQUEST6, ECHO_REPLY6 = 128, 129


def get16(p, at):
    return p[at] << 8 | p[at + 1]


def set_type(p, icmp, new):
    """Give the ICMP message at `icmp` another type, and update its checksum (RFC 1624, equation 3).

    A request with a wrong checksum gets a reply with a wrong checksum, which the receiver drops.
    """
    total = (~get16(p, icmp + 2) & 0xFFFF) + (~get16(p, icmp) & 0xFFFF)
    p[icmp] = new
    total += get16(p, icmp)
    total = (total & 0xFFFF) + (total >> 16)
    total = (total & 0xFFFF) + (total >> 16)
    p[icmp + 2 : icmp + 4] = (~total & 0xFFFF).to_bytes(2, "big")


# To exchange source and destination changes no checksum, because each is a sum that holds both.


def answer4(p):
    """The reply to an IPv4 echo request, or None."""
    header, total = (p[0] & 15) * 4, get16(p, 2)
    if header < 20 or not header + 8 <= total <= len(p):
        return None
    # Not a fragment (more-fragments bit and offset are 0), and not to multicast or broadcast.
    if get16(p, 6) & 0x3FFF or p[9] != ICMP or p[16] >= 224:
        return None
    if p[header] != ECHO_REQUEST:
        return None
    p[12:16], p[16:20] = p[16:20], p[12:16]
    set_type(p, header, ECHO_REPLY)
    return p[:total]


def answer6(p):
    """The same for IPv6. A request behind extension headers is not answered."""
    total = 40 + get16(p, 4)
    if not 48 <= total <= len(p) or p[6] != ICMPV6 or p[24] == 0xFF:
        return None
    if p[40] != ECHO_REQUEST6:
        return None
    p[8:24], p[24:40] = p[24:40], p[8:24]
    set_type(p, 40, ECHO_REPLY6)
    return p[:total]


def answer(p):
    if len(p) >= 20 and p[0] >> 4 == 4:
        return answer4(p)
    if len(p) >= 40 and p[0] >> 4 == 6:
        return answer6(p)
    return None


def main():
    number = os.environ.get("USN_FD", "")
    if not (number.isascii() and number.isdigit()):
        print("rig_echo: no USN_FD: use 'usn rig DEVICE -- rig_echo.py'", file=sys.stderr)
        return 2
    fd = int(number)
    while True:
        try:
            packet = bytearray(os.read(fd, PACKET_MAX))
        except OSError as e:
            print(f"rig_echo: read: {e.strerror}", file=sys.stderr)
            return 1
        if not packet:
            return 0
        reply = answer(packet)
        if reply is None:
            continue
        try:
            os.write(fd, reply)
        except OSError:
            pass  # A reply that cannot be written is lost, as on any network.


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
