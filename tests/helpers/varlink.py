#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""varlink.py HOW METHOD [PARAMETERS]: calls the agent without its tools, as somebody might who means no good.

HOW: once, and then prints the answer, how many descriptors came with it, and the cgroup that this process is in; many, until no
further connection is served, and then prints how many were; keep, the same with each connection closed and its descriptors kept, and
then prints how many there are, the last answer, and whether there is one more as soon as the first is closed; or pair, with a second METHOD and PARAMETERS on the same
connection, and then prints the second answer and "ready", and ends when its input does.
"""
import json
import os
import socket
import sys
import time

PATIENCE = float(os.environ.get("PATIENCE", 60))


def connect():
    s = socket.socket(socket.AF_UNIX)
    s.connect("/run/usn/usnd.sock")
    return s


def ask(s, method, parameters):
    s.sendall(json.dumps({"method": "io.usn." + method, "parameters": parameters}).encode() + b"\0")
    text, fds, _, _ = socket.recv_fds(s, 1 << 16, 8)
    return text.rstrip(b"\0").decode(), fds


def tell(s, method, parameters):
    text, fds = ask(s, method, parameters)
    print(text)
    print(len(fds))
    with open("/proc/self/cgroup") as f:
        print(next(line.strip() for line in f if line.startswith("0::")))


def served(connections, method, parameters):
    connections.append(connect())
    try:
        return '"error"' not in ask(connections[-1], method, parameters)[0]
    except OSError:
        return False


how, method = sys.argv[1:3]
parameters = json.loads(sys.argv[3]) if len(sys.argv) > 3 else {}
if how == "once":
    tell(connect(), method, parameters)
elif how == "keep":
    kept, text, end = [], "", time.monotonic() + PATIENCE
    while len(kept) < 1000:
        s = connect()
        text, fds = ask(s, method, parameters)
        s.close()
        if not fds:
            break
        kept.append(fds)
    print(len(kept))
    print(text)
    for fd in kept[0]:
        os.close(fd)
    while not ask(connect(), method, parameters)[1] and time.monotonic() < end:
        time.sleep(0.02)
    print(time.monotonic() < end)
elif how == "pair":
    connection = connect()
    ask(connection, method, parameters)
    print(ask(connection, sys.argv[4], json.loads(sys.argv[5]))[0])
    print("ready", flush=True)
    sys.stdin.read()
else:
    connections = []
    while served(connections, method, parameters) and len(connections) < 1000:
        pass
    print(len(connections) - 1)
