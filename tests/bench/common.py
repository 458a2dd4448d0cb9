# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the benchmarks share: workers, samples, and how a figure is printed and judged."""
import os
import statistics
import subprocess
import sys
import time

missed = []


def figure(label, value, target=None, text="{:5.2f}"):
    verdict = ""
    if target is not None:
        verdict = f"   target {target}   {'met' if value <= target else 'MISSED'}"
        if value > target:
            missed.append(label)
    print(f"  {label:58} {text.format(value)}{verdict}", flush=True)


def ratio(label, ours, theirs, target=None):
    figure(label, statistics.median(ours) / statistics.median(theirs), target)


def usn(*words):
    subprocess.run(["usn", *words], check=True)


def cgroup_tree():
    with open("/proc/self/mountinfo") as f:
        lines = [line.split() for line in f]
    return [w[4] for w in lines if w[w.index("-") + 1] == "cgroup2"][-1]


class Worker:
    """A program that answers each line with a line.

    All are on one processor: two are not equally fast, where others share them.
    """

    def __init__(self, *command, cgroup=None):
        if cgroup:
            os.makedirs(cgroup, exist_ok=True)

        def enter():
            os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
            if cgroup:
                with open(cgroup + "/cgroup.procs", "w") as f:
                    f.write("0")
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        bufsize=1, preexec_fn=enter)

    def ask(self, line=""):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit(f"bench: {self.process.args[0]} ended: {self.process.wait()}")
        return answer.split()

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def in_turns(rounds, sides):
    """Samples of workers that answer "KIND NS KIND NS ...", side by side: {kind: {side: [ns]}}."""
    samples = {}
    for _ in range(rounds):
        for side, worker in sides.items():
            words = worker.ask()
            for kind, ns in zip(words[::2], words[1::2]):
                samples.setdefault(kind, {s: [] for s in sides})[side].append(float(ns))
    for worker in sides.values():
        worker.end()
    return samples


def timed(*command):
    start = time.monotonic()
    subprocess.run(command, check=True)
    return time.monotonic() - start
