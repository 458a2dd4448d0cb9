#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What stands in the JSON of usn tail.

    rows.py FILE KEY[,KEY]... [KEY=VALUE]...

Prints the distinct values of the keys among the packets that have these values, sorted, one packet a line as
"VALUE/VALUE"; "-" is a key that is absent, "tcp.flags" one in an object. The key "n" is the number of such packets.
"""
import json
import sys


def get(row, key):
    for part in key.split("."):
        row = row.get(part) if row else None
    return "-" if row is None else str(row)


with open(sys.argv[1]) as f:
    found = [json.loads(line) for line in f]
for want in sys.argv[3:]:
    key, value = want.split("=", 1)
    found = [row for row in found if get(row, key) == value]
if sys.argv[2] == "n":
    print(len(found))
else:
    for line in sorted({"/".join(get(row, key) for key in sys.argv[2].split(",")) for row in found}):
        print(line)
