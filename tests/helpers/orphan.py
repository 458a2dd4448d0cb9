# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Connects to the agent, and ends; its child then asks on that connection for a run, and prints the answer."""
import json
import os
import socket

s = socket.socket(socket.AF_UNIX)
s.connect("/run/usn/usnd.sock")
parent = os.getpid()
if os.fork():
    os._exit(0)
while os.getppid() == parent:
    pass
s.sendall(json.dumps({"method": "io.usn.Run", "parameters": {"device": "usn0"}}).encode() + b"\0")
print(s.recv(1 << 16).rstrip(b"\0").decode())
