# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the features are tried with: the tools, programs on a device, and a wrong device.

On an emulated kernel a process takes a second to start: there are few, and they are used again.
"""
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

PATIENCE = float(os.environ.get("PATIENCE", 60))  # seconds, see tests/system/lib.bash


class Failed(Exception):
    """The feature does not do what it should."""


class Refused(Exception):
    """The tool said so, in one line."""


def check(condition, what):
    if not condition:
        raise Failed(what)


def same(got, want, what):
    check(got == want, f"{what}: {got!r}, not {want!r}")


def verdict_of(words, status, said):
    """Raises what the end of a tool means."""
    if status == 0:
        return
    lines = said.strip().splitlines()
    if status < 0 or len(lines) != 1 or "libbpf" in said:
        raise Failed(f"'{' '.join(words)}' ended with {status} and said: {said.strip()!r}")
    raise Refused(lines[0].partition(": ")[2] or lines[0])


class Program:
    """tests/helpers/steps.py, started by some command: does one statement after the other."""

    def __init__(self, root, *before):
        # By its text: another user need not be able to read the file, as in the home of root.
        with open(root + "/tests/helpers/steps.py") as f:
            self.words = [*before, sys.executable, "-S", "-c", f.read()]
        self.process = subprocess.Popen(self.words, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, bufsize=1)
        self.pid = self.process.pid
        self.do("None")

    def do(self, statement):
        """Its answer: the value, "ok", or the name of the error."""
        try:
            self.process.stdin.write(statement + "\n")
        except BrokenPipeError:
            pass
        answer = self.process.stdout.readline().rstrip("\n")
        if not answer:
            said, status = self.process.stderr.read(), self.process.wait()
            verdict_of(self.words[:3], status or 1, said)
        return answer

    def want(self, answer, statement):
        same(self.do(statement), answer, statement)

    def end(self):
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        for pipe in self.process.stdout, self.process.stderr:
            pipe.close()
        self.process.wait()


class Listener:
    """A tool that goes on: usn tail, usn record, an example. It has begun when this is made."""

    def __init__(self, ready, *words, **more):
        self.words, self.out, self.err = words, tempfile.TemporaryFile("w+"), tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=self.out, stderr=self.err, **more)
        end = time.monotonic() + PATIENCE
        while ready not in self.said():
            if self.process.poll() is not None:
                verdict_of(words, self.process.returncode or 1, self.said())
            if time.monotonic() > end:
                self.process.kill()
                raise Failed(f"'{' '.join(words)}' does not begin: {self.said()!r}")
            time.sleep(0.02)

    def _text(self, file):
        return os.pread(file.fileno(), 1 << 20, 0).decode()

    def said(self):
        return self._text(self.err)

    def printed(self):
        return self._text(self.out)

    def wait_for(self, what, times=1):
        """Until it has printed that so often."""
        end = time.monotonic() + PATIENCE
        while self.printed().count(what) < times:
            if time.monotonic() > end:
                raise Failed(f"'{' '.join(self.words)}' has not printed {what!r} {times} times: {self.printed()[-300:]!r}")
            time.sleep(0.02)

    def end(self):
        """All that it printed."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        status = self.process.wait(PATIENCE)
        verdict_of(self.words, status, self.said())
        return self.printed()

    def rows(self):
        return [json.loads(line) for line in self.end().splitlines()]


class Wrong:
    """A veth with the host's default routes: counts what leaves by it to foreign addresses."""

    def __init__(self):
        for line in ("link add wrong type veth peer name wrong0", "link set wrong0 up", "link set wrong up",
                     "addr add 198.51.100.1/24 dev wrong", "addr add 2001:db8:1::1/64 dev wrong nodad",
                     "route add default via 198.51.100.2", "-6 route add default via 2001:db8:1::2",
                     "neigh add 198.51.100.2 lladdr 02:00:5e:10:00:01 dev wrong",
                     "neigh add 2001:db8:1::2 lladdr 02:00:5e:10:00:01 dev wrong"):
            subprocess.run(["ip", *line.split()], check=True)
        self.wire = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
        self.wire.bind(("wrong", 3))
        self.far = [socket.inet_aton("192.0.2.1"), socket.inet_pton(socket.AF_INET6, "2001:db8::1")]

    def seen(self):
        """How many, since it was asked last."""
        n = 0
        while select.select([self.wire], [], [], 0)[0]:
            packet = self.wire.recv(2048)
            n += any(far in packet[:40] for far in self.far)
        return n


class Bench:
    """usn0 with an echo, and what was started on it; cleared after each feature."""

    def __init__(self, root):
        self.root, self.begun, self.programs, self.wrong = root, [], {}, None

    def __enter__(self):
        self.dir = tempfile.mkdtemp(prefix="features-")
        return self

    def __exit__(self, *_):
        for program in self.programs.values():
            program.end()
        subprocess.run(["usn", "down", "--force", "usn0", "usn1"], stderr=subprocess.DEVNULL, check=False)
        shutil.rmtree(self.dir)

    def path(self, name):
        return f"{self.dir}/{name}"

    def tool(self, *words, **more):
        """What it prints."""
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, **more)
        verdict_of(words, done.returncode, done.stderr)
        return done.stdout

    def json(self, *words):
        return json.loads(self.tool(*words))

    def refuses(self, *words):
        """The line with which it must refuse."""
        try:
            self.tool(*words)
        except Refused as e:
            return str(e)
        raise Failed(f"'{' '.join(words)}' is not refused")

    def counter(self, name, device="usn0"):
        return self.json("usn", "show", "--json", device)["verdicts"][name]

    def program(self, *before):
        """A program that is started so, at the first time."""
        if before not in self.programs:
            self.programs[before] = Program(self.root, *before)
        return self.programs[before]

    def app(self):
        return self.program("usn-run", "ND=usn0", "--")

    def forget(self, *before):
        if before in self.programs:
            self.programs.pop(before).end()

    def host(self):
        return self.program()

    def is_agent(self, pid):
        """In this sandbox: it shares our network namespace."""
        try:
            with open(f"/proc/{pid}/comm") as f:
                return f.read() == "usnd\n" and os.readlink(f"/proc/{pid}/ns/net") == os.readlink("/proc/self/ns/net")
        except OSError:
            return False

    def listen(self, ready, *words, **more):
        self.begun.append(Listener(ready, *words, **more))
        return self.begun[-1]

    def tail(self, *words):
        return self.listen("listening on", "usn", "tail", *words)

    def wrong_device(self):
        self.wrong = self.wrong or Wrong()
        self.wrong.seen()
        return self.wrong

    def clear(self):
        for listener in self.begun:
            if listener.process.poll() is None:
                listener.process.kill()
                listener.process.wait()
        self.begun = []
