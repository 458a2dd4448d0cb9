#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Does steps for a test: one Python statement a line on standard input.

Answers each with one line: the value, "ok" if there is none, or the name of the error.
"""
import ctypes
import errno
import os
import struct
import sys
from concurrent.futures import ThreadPoolExecutor
from socket import *
from threading import get_native_id

PATIENCE = float(os.environ.get("PATIENCE", 60))  # seconds, see tests/system/lib.bash
UDP, TCP, RAW = SOCK_DGRAM, SOCK_STREAM, SOCK_RAW
V4, V6 = AF_INET, AF_INET6
libc = ctypes.CDLL(None, use_errno=True)


def device(s):
    """The device that the socket is bound to, "-": none."""
    name = s.getsockopt(SOL_SOCKET, SO_BINDTODEVICE, 16).rstrip(b"\0").decode()
    return name or "-"


def make(family, kind, protocol=0):
    s = socket(family, kind, protocol)
    s.settimeout(PATIENCE)
    return s


def cookie(s):
    """The kernel's number of the socket, SO_COOKIE."""
    return int.from_bytes(s.getsockopt(SOL_SOCKET, 57, 8), sys.byteorder)


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


def echo(number, v6=False):
    """An ICMP echo request without data, whose identifier and sequence number are this."""
    request, twice = (128 if v6 else 8) << 8, 2 * number
    total = request + twice
    return struct.pack("!4H", request, ~(total % 0xffff) & 0xffff, number, number)


def in_thread(f):
    """What f returns in a thread, and the thread's number."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: (f(), get_native_id())).result()


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
