# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What a capture costs: the sender per packet sent, the capturing process per packet captured.

Nobody reads the device. Once its queue is full, every packet goes the same way up to there, past the taps and
the packet sockets, and is dropped behind them; no third program takes part. What a capture adds to the sender is the
difference to the same sends right before and behind it, so that a machine that slows down slows both. The capturing process is
measured from the moment it listens until it has come to rest: loading programs is not part of what a packet costs.
"""
import os
import re
import signal
import statistics
import subprocess
import threading
import time

from common import Worker, figure, ratio, usn

ROUNDS, N = 5, 1_000_000
SIZES = 32, 1000
FILE = "/run/capture"

# The command, what it says when it listens, and what it says at the end: packets captured, packets lost.
USN = ("usn tail -s 96 -w {} usn0", "listening on", r"(\d+) packets seen, (\d+) lost")
TCPDUMP = ("tcpdump -n -Z root --time-stamp-precision=nano -i usn0 -s 96 -w {}", "listening on",
           r"(?s)(\d+) packets captured.*\s(\d+) packets dropped by kernel")
DUMPCAP = ("dumpcap -q -i usn0 -s 96 -w {}", "File: ", r"received/dropped on interface 'usn0': (\d+)/(\d+)")


def to(kind, where, more=""):
    return kind[0].format(where) + more, *kind[1:]


class Capture:
    def __init__(self, command, ready, counts):
        self.counts = counts
        self.process = subprocess.Popen(command.split(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        line = self.process.stderr.readline()
        while line and ready not in line:
            line = self.process.stderr.readline()
        if not line:
            raise SystemExit(f"bench: {command}: {self.process.wait()}")
        self.start = self.cpu()

    def cpu(self):
        """ns, by the CPU clock of the whole process; the number is made as in clock_getcpuclockid(3)."""
        return time.clock_gettime_ns(~self.process.pid << 3 | 2)

    def end(self):
        """Once it is at rest: ns spent, packets captured, packets lost."""
        before, now = 0, self.cpu()
        while now - before > 1e6:
            time.sleep(0.03)
            before, now = now, self.cpu()
        self.process.send_signal(signal.SIGINT)
        words = self.process.communicate()[1]
        return now - self.start, *map(int, re.search(self.counts, words).groups())


class Side:
    """All rounds of one set of captures."""

    def __init__(self, *captures):
        self.captures = captures
        self.bare, self.added, self.spent = [], [], []  # ns a packet
        self.seen = self.lost = self.wrong = 0

    def round(self, sender, size):
        before = int(sender.ask(f"{N // 4} {size}")[0])
        running = [Capture(*c) for c in self.captures]
        cpu = int(sender.ask(f"{N} {size}")[0])
        for capture in running:
            ns, seen, lost = capture.end()
            self.spent.append(ns / max(seen, 1))
            self.seen += seen
            self.lost += lost
            self.wrong += abs(N - seen - lost)
        bare = 2 * (before + int(sender.ask(f"{N // 4} {size}")[0]))
        self.bare.append(bare / N)
        self.added.append((cpu - bare) / N)

    def row(self, name):
        cells = [statistics.median(x) for x in (self.bare, self.added, self.spent)]
        print(f"  {name:26} {cells[0]:9.0f} {cells[1]:9.0f} {cells[2]:9.0f} {self.lost:9d}", flush=True)


def has_filters():
    return "filter" in subprocess.run(["usn", "tail", "--help"], capture_output=True, text=True).stdout.lower()


def contestants(size):
    sides = {}
    for name, kind in ("usn tail", USN), ("tcpdump", TCPDUMP), ("dumpcap", DUMPCAP):
        sides[name] = Side(to(kind, "/dev/null"))
        sides[name + " to a file"] = Side(to(kind, FILE))
    if size == SIZES[0]:
        sides["four of usn tail"] = Side(*[to(USN, "/dev/null")] * 4)
        if has_filters():
            sides["usn tail, one in a thousand"] = Side(to(USN, "/dev/null", " udp port 9001"))
    return sides


def against(sender, size):
    print(f"captures of {N} packets with {size} bytes, {ROUNDS} times each, in ns of CPU a packet")
    print(f"  {'':26} {'bare send':>9} {'added':>9} {'capture':>9} {'lost':>9}")
    sides = contestants(size)
    for _ in range(ROUNDS):
        for side in sides.values():
            side.round(sender, size)
            if os.path.exists(FILE):
                os.unlink(FILE)
    tail, tail_file = sides["usn tail"], sides["usn tail to a file"]
    for name, side in sides.items():
        side.row(name)
    ratio("added to the sender, against tcpdump", tail.added, sides["tcpdump"].added, 0.6)
    ratio("  beside it: against dumpcap", tail.added, sides["dumpcap"].added)
    for peer in "tcpdump", "dumpcap":
        ratio(f"the capture to /dev/null, against {peer}", tail.spent, sides[peer].spent, 0.5)
        ratio(f"the capture to a file, against {peer}", tail_file.spent, sides[peer + " to a file"].spent, 0.8)
    four = sides.get("four of usn tail")
    if not four:
        return
    ratio("added to the sender by four taps, against one", four.added, tail.added, 4.4)
    figure("lost by four taps", four.lost, 0, "{:5d}")
    figure("neither seen nor lost by four taps", four.wrong, 0, "{:5d}")
    rare = sides.get("usn tail, one in a thousand")
    if not rare:
        print("  usn tail has no filters: not measured")
        return
    ratio("added to the sender by a filter, against a tap without", rare.added, tail.added, 0.3)
    figure("packets that the filter missed or took too many", abs(rare.seen - N * ROUNDS // 1000), 0, "{:5d}")


def lost(sender, size):
    """A million at once, with default sizes, first to a reader that reads, then to one that is stopped for a second."""
    command = ("usn tail -w /dev/null usn0", *USN[1:])
    capture = Capture(*command)
    wall = int(sender.ask(f"{N} {size}")[1])
    _, seen, gone = capture.end()
    figure(f"lost at {N / wall * 1e6:.0f} packets of {size} bytes a ms", gone, 0, "{:5d}")
    figure("  neither seen nor lost", abs(N - seen - gone), 0, "{:5d}")

    capture = Capture(*command)
    capture.process.send_signal(signal.SIGSTOP)
    threading.Timer(1, capture.process.send_signal, [signal.SIGCONT]).start()
    sender.ask(f"{N} {size}")
    _, seen, gone = capture.end()
    figure(f"  stopped for a second, {gone} lost: neither seen nor lost", abs(N - seen - gone), 0, "{:5d}")


def stamps(path):
    """{number of the datagram: ns}, in the order of the file, as tshark reads it."""
    # What tells of a process is a frame to tshark, too.
    fields = ["-Y", "udp", "-T", "fields", "-e", "frame.time_epoch", "-e", "udp.payload"]
    out = subprocess.run(["tshark", "-n", "-r", path, *fields], check=True, capture_output=True, text=True).stdout
    rows = [line.split("\t") for line in out.splitlines()]
    return {bytes.fromhex(data)[:8]: int(at.replace(".", "")) for at, data in rows}


def bench_stamps(sender):
    print("stamps of the same packets, against tcpdump's")
    theirs = to(TCPDUMP, FILE + ".theirs", " -B 65536 --immediate-mode")
    captures = [Capture(*to(USN, FILE + ".ours")), Capture(*theirs)]
    sender.ask(f"20000 {SIZES[0]}")
    for capture in captures:
        capture.end()
    ours, theirs = stamps(FILE + ".ours"), stamps(FILE + ".theirs")
    both = [n for n in theirs if n in ours]
    apart = [abs(ours[n] - theirs[n]) / 1000 for n in both]
    times = [ours[n] for n in both]
    figure(f"apart, the median of {len(both)}, us", statistics.median(apart), 5)
    figure("  out of order", sum(a > b for a, b in zip(times, times[1:])) + (both != [n for n in ours if n in theirs]),
           0, "{:5d}")


def bench_capture():
    usn("up", "usn0")
    rig = subprocess.Popen(["usn", "rig", "usn0", "--", "sleep", "infinity"])
    sender = Worker("usn-run", "ND=usn0", "--", "flood")
    sender.ask(f"{N} {SIZES[0]}")
    for size in SIZES:
        against(sender, size)
    print("packets lost by usn tail with default sizes")
    for size in SIZES:
        lost(sender, size)
    bench_stamps(sender)
    sender.end()
    rig.kill()
    rig.wait()
    usn("down", "--force", "usn0")
