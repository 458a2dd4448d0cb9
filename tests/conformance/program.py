# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A program that does statements, started by a tool."""
import os
import subprocess

import network

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


def _text(path):
    with open(path) as f:
        return f.read()


def source():
    """The program's text, whole: who has given up root's rights need not be able to read a file."""
    names = {n: getattr(network, n) for n in ("FAR4", "FAR6", "WRONG4", "WRONG6")}
    names |= {"WRONG": network.WRONG.encode(), "WRONG_IF": network.socket.if_nametoindex(network.WRONG),
              "URING": ROOT + "/build/conformance/uring"}
    constants = "".join(f"{name} = {value!r}\n" for name, value in names.items())
    return constants + _text(HERE + "/prelude.py") + _text(ROOT + "/tests/helpers/steps.py")


class Program:
    """Runs, and on its device, once this is made."""

    def __init__(self, *before):
        self.process = subprocess.Popen([*before, "python3", "-c", source()], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, bufsize=1)
        self.do("None")

    def do(self, statement):
        try:
            self.process.stdin.write(statement + "\n")
        except BrokenPipeError:
            pass
        answer = self.process.stdout.readline().rstrip("\n")
        if not answer:
            raise RuntimeError(f"'{self.process.args[0]}' ended with {self.process.wait()} at: {statement}")
        return answer

    def end(self):
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        self.process.stdout.close()
        self.process.wait()
