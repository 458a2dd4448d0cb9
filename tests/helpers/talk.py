#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Runs COMMAND on a terminal of its own and types for its user.

Standard input has pairs of lines: what to wait for, and what to type then. All that the terminal shows is printed. The
exit status is the command's, or 1 if what was waited for did not come in ten seconds.
"""
import os
import pty
import select
import sys

SECONDS = 10

steps = sys.stdin.read().splitlines()
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])


def more():
    """What the terminal shows next, None if nothing more comes."""
    if not select.select([terminal], [], [], SECONDS)[0]:
        return None
    try:
        data = os.read(terminal, 4096)
    except OSError:
        # The other side is closed.
        return None
    sys.stdout.buffer.write(data)
    sys.stdout.flush()
    return data or None


shown = b""
for wait, say in zip(steps[::2], steps[1::2]):
    while wait.encode() not in shown:
        data = more()
        if data is None:
            sys.exit(f"\ntalk.py: '{wait}' never came")
        shown += data
    shown = shown.split(wait.encode(), 1)[1]
    os.write(terminal, say.encode() + b"\r")
while more():
    pass
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
