#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Prints the time, the process and the length of each packet of a device, by libusn and ctypes.

    python3 tap.py usn0 [FILTER]

The structures are those of usn.h and usn/abi.h.
"""

import ctypes
import sys
from ctypes import POINTER, c_char, c_char_p, c_int, c_size_t, c_void_p
from ctypes import c_uint8, c_uint16, c_uint32, c_uint64


class Error(ctypes.Structure):
    _fields_ = [("code", c_int), ("text", c_char * 400)]


class Options(ctypes.Structure):
    _fields_ = [
        ("size", c_size_t),
        ("snaplen", c_uint32), ("ring_bytes", c_uint32),
        ("directions", c_uint32), ("flags", c_uint32),
        ("pid", c_uint32), ("reserved", c_uint32),
        ("comm", c_char_p), ("cgroup", c_char_p), ("filter", c_char_p),
    ]


class Record(ctypes.Structure):
    _fields_ = [
        ("mono_ns", c_uint64), ("lost", c_uint64), ("cgroup_id", c_uint64), ("cookie", c_uint64),
        ("pid", c_uint32), ("tid", c_uint32), ("comm", c_char * 16), ("ifindex", c_uint32),
        ("len", c_uint32), ("caplen", c_uint32), ("protocol", c_uint16),
        ("direction", c_uint8), ("flags", c_uint8), ("gso_size", c_uint16), ("gso_segs", c_uint16),
        ("reserved", c_uint32),
    ]

    def data(self):
        """A copy of the bytes that were kept. The next call may overwrite the record itself."""
        return ctypes.string_at(ctypes.addressof(self) + ctypes.sizeof(self), self.caplen)


def load():
    usn = ctypes.CDLL("libusn.so.0")
    usn.usn_tap_open.argtypes = [c_char_p, POINTER(Options), POINTER(c_void_p), POINTER(Error)]
    usn.usn_tap_close.argtypes = [c_void_p]
    usn.usn_tap_close.restype = None
    usn.usn_tap_wait.argtypes = [c_void_p, c_int]
    usn.usn_tap_next.argtypes = [c_void_p]
    usn.usn_tap_next.restype = POINTER(Record)
    usn.usn_tap_real_ns.argtypes = [c_void_p, c_uint64]
    usn.usn_tap_real_ns.restype = c_uint64
    return usn


def main(device, expression=""):
    usn, tap, error = load(), c_void_p(), Error()
    options = Options(size=ctypes.sizeof(Options), snaplen=64, filter=expression.encode())
    if usn.usn_tap_open(device.encode(), options, tap, error) < 0:
        sys.exit("tap.py: " + error.text.decode())
    print("listening on", device, file=sys.stderr, flush=True)
    # One second at a time, so that Python can handle a signal in between.
    while usn.usn_tap_wait(tap, 1000) >= 0:
        while packet := usn.usn_tap_next(tap):
            p = packet.contents
            seconds, ns = divmod(usn.usn_tap_real_ns(tap, p.mono_ns), 1000000000)
            way = "In" if p.direction == 1 else "Out"
            owner = f"{p.pid}/{p.comm.decode()}"
            print(f"{seconds}.{ns:09} {way} {owner} {p.len} {p.data()[:1].hex()}", flush=True)
    usn.usn_tap_close(tap)


if __name__ == "__main__":
    if not 2 <= len(sys.argv) <= 3:
        sys.exit("usage: tap.py DEVICE [FILTER]")
    try:
        main(*sys.argv[1:])
    except KeyboardInterrupt:
        pass
