# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What a capture costs: the sender per packet sent, the capturing process per packet captured.

Nobody reads the devices. Once a queue is full, every packet goes the same way up to there, past the taps and
the packet sockets, and is dropped behind them; no third program takes part. What a capture adds to the sender is the
difference to the same sends by a second device that is not captured, a thousand packets here and a thousand there in turns: machines
that others share are faster in one second than in the next by more than a capture costs. The capturing process is
measured behind that, while the first device sends a million packets at once and until it has come to rest: loading programs is not part
of what a packet costs.

The sender hands over 64 datagrams in a system call, as the fastest ones do. With one in each call, beside it, a packet costs
more in all columns, by what of the memory and of the page tables has to be found again after each call.
"""
import os
import re
import signal
import statistics
import subprocess
import threading
import time

from common import Worker, figure, ratio, usn

ROUNDS, N, SLICE, CALL = 5, 1_000_000, 1000, 64
# More, of what is apart by a few ns only.
FINE_ROUNDS = 10
SIZES = 32, 1000
# On a disk, as people have it, and in memory.
FILE = os.path.join(os.path.dirname(__file__), "../../build/bench/capture")
MEMORY_FILE = "/run/capture"

# The command, what it says when it listens, and what it says at the end: packets captured, packets lost.
USN = ("usn tail -s 96 -w {} usn0", "listening on", r"(\d+) packets seen, (\d+) lost")
WHOLE = ("usn tail -w {} usn0", *USN[1:])
NOTHING = ("nothing usn0", *USN[1:])
TCPDUMP = ("tcpdump -n -Z root --time-stamp-precision=nano -i usn0 -s 96 -w {}", "listening on",
           r"(?s)(\d+) packets captured.*\s(\d+) packets dropped by kernel")
DUMPCAP = ("dumpcap -q -i usn0 -s 96 -w {}", "File: ", r"received/dropped on interface 'usn0': (\d+)/(\d+)")


def trimmed_mean(values):
    """Without the twentieth at either end, in which the machine did something else."""
    values = sorted(values)
    cut = len(values) // 20
    return statistics.fmean(values[cut:len(values) - cut])


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

    def cpu(self):
        """ns, by the CPU clock of the whole process; the number is made as in clock_getcpuclockid(3)."""
        return time.clock_gettime_ns(~self.process.pid << 3 | 2)

    def rest(self):
        """Once it is at rest: ns spent so far."""
        before, now = 0, self.cpu()
        while now - before > 1e6:
            time.sleep(0.03)
            before, now = now, self.cpu()
        return now

    def end(self):
        """Once it is at rest: packets captured, packets lost."""
        self.rest()
        self.process.send_signal(signal.SIGINT)
        words = self.process.communicate()[1]
        return tuple(map(int, re.search(self.counts, words).groups()))


class Side:
    """All rounds of one set of captures."""

    def __init__(self, *captures, call=CALL):
        self.captures, self.call = captures, call
        self.bare, self.added, self.spent = [], [], []  # ns a packet
        self.sent = self.seen = self.lost = self.wrong = 0

    def send(self, sender, n, size):
        return int(sender.ask(f"{n} {size} {self.call}")[0]) / n

    def slices(self, senders, size):
        slices = [[self.send(sender, SLICE, size) for sender in senders] for _ in range(N // SLICE)]
        self.bare.append(trimmed_mean(bare for _, bare in slices))
        self.added.append(trimmed_mean(watched - bare for watched, bare in slices))

    def burst(self, senders, size, running):
        before = [capture.rest() for capture in running]
        self.send(senders[0], N, size)
        self.spent += [(capture.rest() - ns) / N for capture, ns in zip(running, before)]

    def round(self, senders, size, with_burst=True):
        running = [Capture(*c) for c in self.captures]
        self.slices(senders, size)
        if with_burst:
            self.burst(senders, size, running)
        sent = N * (1 + with_burst)
        self.sent += sent
        for capture in running:
            seen, lost = capture.end()
            self.seen += seen
            self.lost += lost
            self.wrong += abs(sent - seen - lost)

    def row(self, name):
        cells = [statistics.median(x) for x in (self.bare, self.added, self.spent)]
        spent = f"{cells[2]:9.0f}" if self.seen >= self.sent // 2 else f"{'':9}"
        print(f"  {name:32} {cells[0]:9.0f} {cells[1]:9.0f} {spent} {self.lost:9d}", flush=True)


def remove_files():
    for path in FILE, MEMORY_FILE:
        if os.path.exists(path):
            os.unlink(path)


def contestants(size):
    sides = {}
    for name, kind in ("usn tail", USN), ("tcpdump", TCPDUMP), ("dumpcap", DUMPCAP):
        sides[name] = Side(to(kind, "/dev/null"))
        sides[name + " to a file"] = Side(to(kind, FILE))
    for name, kind in ("usn tail", USN), ("tcpdump", TCPDUMP):
        sides[name + " to a file in memory"] = Side(to(kind, MEMORY_FILE))
    sides["usn tail, whole packets"] = Side(to(WHOLE, "/dev/null"))
    sides["usn tail, one in a thousand"] = Side(to(WHOLE, "/dev/null", " udp port 9001"))
    sides["tcpdump, one in a thousand"] = Side(to(TCPDUMP, "/dev/null", " udp port 9001"))
    sides["a program that does nothing"] = Side(NOTHING)
    if size == SIZES[0]:
        sides["four of usn tail"] = Side(*[to(USN, "/dev/null")] * 4)
        sides["usn tail, a call for each"] = Side(to(USN, "/dev/null"), call=1)
        sides["tcpdump, a call for each"] = Side(to(TCPDUMP, "/dev/null"), call=1)
    return sides


def against_peers(sides):
    tail, tail_file = sides["usn tail"], sides["usn tail to a file"]
    ratio("added to the sender, against tcpdump", tail.added, sides["tcpdump"].added, 0.6)
    ratio("  beside it: against dumpcap", tail.added, sides["dumpcap"].added)
    each = sides.get("usn tail, a call for each")
    if each:
        ratio("  beside it: a call for each, against tcpdump", each.added, sides["tcpdump, a call for each"].added)
    for peer in "tcpdump", "dumpcap":
        ratio(f"the capture to /dev/null, against {peer}", tail.spent, sides[peer].spent, 0.5)
        ratio(f"the capture to a file, against {peer}", tail_file.spent, sides[peer + " to a file"].spent, 0.8)
    in_memory = [sides[name + " to a file in memory"].spent for name in ("usn tail", "tcpdump")]
    ratio("  beside it: to a file in memory, against tcpdump", *in_memory)


def against_itself(sides):
    whole, rare, four = (sides.get(name) for name in
                         ("usn tail, whole packets", "usn tail, one in a thousand", "four of usn tail"))
    ratio("added to the sender by a filter, against a tap without", rare.added, whole.added, 0.3)
    ratio("  beside it: by a program that does nothing", sides["a program that does nothing"].added, whole.added)
    ratio("  beside it: against tcpdump with that filter", rare.added, sides["tcpdump, one in a thousand"].added)
    figure("packets that the filter missed or took too many", abs(rare.seen - rare.sent // 1000), 0, "{:5d}")
    if not four:
        return
    ratio("added to the sender by four taps, against one", four.added, sides["usn tail"].added, 4.4)
    figure("lost by four taps", four.lost, 0, "{:5d}")
    figure("neither seen nor lost by four taps", four.wrong, 0, "{:5d}")


def measure(sides, senders, size):
    fine = ["usn tail, whole packets", "usn tail, one in a thousand", "a program that does nothing"]
    for n in range(ROUNDS + FINE_ROUNDS):
        for name in sides if n < ROUNDS else fine:
            try:
                sides[name].round(senders, size, with_burst=n < ROUNDS)
            finally:
                remove_files()


def against(senders, size):
    print(f"captures of {N} packets with {size} bytes, {ROUNDS} times each, in ns of CPU a packet")
    print(f"  {'':32} {'bare send':>9} {'added':>9} {'capture':>9} {'lost':>9}")
    sides = contestants(size)
    measure(sides, senders, size)
    for name, side in sides.items():
        side.row(name)
    against_peers(sides)
    against_itself(sides)


def lost(sender, size):
    """A million at once, with default sizes, first to a reader that reads, then to one that is stopped for a second."""
    command = ("usn tail -w /dev/null usn0", *USN[1:])
    capture = Capture(*command)
    wall = int(sender.ask(f"{N} {size} {CALL}")[1])
    seen, gone = capture.end()
    figure(f"lost at {N / wall * 1e6:.0f} packets of {size} bytes a ms", gone, 0, "{:5d}")
    figure("  neither seen nor lost", abs(N - seen - gone), 0, "{:5d}")

    capture = Capture(*command)
    capture.process.send_signal(signal.SIGSTOP)
    threading.Timer(1, capture.process.send_signal, [signal.SIGCONT]).start()
    sender.ask(f"{N} {size} {CALL}")
    seen, gone = capture.end()
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
    theirs = to(TCPDUMP, MEMORY_FILE + ".theirs", " -B 65536 --immediate-mode")
    captures = [Capture(*to(USN, MEMORY_FILE + ".ours")), Capture(*theirs)]
    sender.ask(f"20000 {SIZES[0]} {CALL}")
    for capture in captures:
        capture.end()
    ours, theirs = stamps(MEMORY_FILE + ".ours"), stamps(MEMORY_FILE + ".theirs")
    both = [n for n in theirs if n in ours]
    apart = [abs(ours[n] - theirs[n]) / 1000 for n in both]
    times = [ours[n] for n in both]
    figure(f"apart, the median of {len(both)}, us", statistics.median(apart), 5)
    figure("  out of order", sum(a > b for a, b in zip(times, times[1:])) + (both != [n for n in ours if n in theirs]),
           0, "{:5d}")


def bench_capture():
    devices = "usn0", "usn1"
    usn("up", *devices)
    rigs = [subprocess.Popen(["usn", "rig", device, "--", "sleep", "infinity"]) for device in devices]
    senders = [Worker("usn-run", f"ND={device}", "--", "flood") for device in devices]
    for sender in senders:
        sender.ask(f"{N} {SIZES[0]} {CALL}")
    for size in SIZES:
        against(senders, size)
    print("packets lost by usn tail with default sizes")
    for size in SIZES:
        lost(senders[0], size)
    bench_stamps(senders[0])
    for sender, rig in zip(senders, rigs):
        sender.end()
        rig.kill()
        rig.wait()
    usn("down", "--force", *devices)
