#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Compares two screenshots, files of xwd(1) (X11/XWDFile.h), of the same size.

    shot.py BEFORE AFTER    prints the colours of the one, those of the other, and the changed pixels in per mille,
                            rounded up: 0 if no pixel changed
"""
import struct
import sys
from collections import Counter

HEIGHT, BITS_PER_PIXEL, BYTES_PER_LINE, COLOURS = 5, 11, 12, 19


def pixels(name):
    """The 32-bit pixels of a screenshot."""
    with open(name, "rb") as file:
        data = file.read()
    head = struct.unpack_from("!25I", data)
    if head[BITS_PER_PIXEL] != 32:
        sys.exit(f"{name}: {head[BITS_PER_PIXEL]} bits a pixel")
    # The header's length counts the window's name, and an entry of the colour map is 12 bytes.
    start = head[0] + 12 * head[COLOURS]
    size = head[HEIGHT] * head[BYTES_PER_LINE]
    return struct.unpack_from(f"{size // 4}I", data, start)


before, after = (pixels(name) for name in sys.argv[1:])
changed = sum(b != a for b, a in zip(before, after))
print(len(Counter(before)), len(Counter(after)), -(-1000 * changed // len(after)))
