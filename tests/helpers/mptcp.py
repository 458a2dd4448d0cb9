#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Gets the page "/" of ADDRESS and PORT by Multipath TCP, and prints it."""
import sys
from socket import AF_INET, AF_INET6, SOCK_STREAM, socket

IPPROTO_MPTCP = 262

address = sys.argv[1].strip("[]")
with socket(AF_INET6 if ":" in address else AF_INET, SOCK_STREAM, IPPROTO_MPTCP) as s:
    s.settimeout(5)
    s.connect((address, int(sys.argv[2])))
    s.sendall(b"GET / HTTP/1.0\r\n\r\n")
    page = b""
    while data := s.recv(4096):
        page += data
print(page.partition(b"\r\n\r\n")[2].decode(), end="")
