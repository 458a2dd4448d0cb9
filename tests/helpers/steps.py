#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Does steps for a test: one Python statement a line on standard input.

Answers each with one line: the value, "ok" if there is none, or the name of the error.
"""
import ctypes
import errno
import os
import sys
from socket import *

UDP, TCP, RAW = SOCK_DGRAM, SOCK_STREAM, SOCK_RAW
V4, V6 = AF_INET, AF_INET6
libc = ctypes.CDLL(None, use_errno=True)


def device(s):
    """The device that the socket is bound to, "-": none."""
    name = s.getsockopt(SOL_SOCKET, SO_BINDTODEVICE, 16).rstrip(b"\0").decode()
    return name or "-"


def make(family, kind, protocol=0):
    s = socket(family, kind, protocol)
    s.settimeout(5)
    return s


def listen(family, kind, address):
    """A bound socket, of TCP a listening one, on a free port."""
    s = make(family, kind)
    s.bind((address, 0))
    if kind == TCP:
        s.listen()
    return s


def port(s):
    return s.getsockname()[1]


def try_connect(s, *to):
    """Begins a connect and does not wait for its end."""
    s.setblocking(False)
    r = s.connect_ex(to)
    return "ok" if r in (0, errno.EINPROGRESS) else errno.errorcode[r]


def disconnect(s):
    """connect(2) to AF_UNSPEC."""
    if libc.connect(s.fileno(), bytes(16), 16) < 0:
        raise OSError(ctypes.get_errno(), "connect")


def in_child(f):
    """What f returns in a child process."""
    r, w = os.pipe()
    if os.fork() == 0:
        try:
            os.write(w, f().encode())
        finally:
            os._exit(0)
    os.close(w)
    with os.fdopen(r) as out:
        return out.read()


def do(step):
    try:
        try:
            value = eval(step, globals())
        except SyntaxError:
            value = exec(step, globals())
    except TimeoutError:
        return "timeout"
    except OSError as e:
        return errno.errorcode.get(e.errno, repr(e))
    except Exception as e:
        return repr(e)
    return "ok" if value is None else value


for line in sys.stdin:
    print(do(line.strip()), flush=True)
