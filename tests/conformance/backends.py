# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The tools under test. A back end makes the right device and says how a program is run on it.

To add one: a class with up(), down() and command(), and its line in BACKENDS.
"""
import itertools
import os
import re
import subprocess

from network import put, quiet, settle, sh, veth


def cgroup_tree():
    with open("/proc/self/mountinfo") as f:
        lines = [line.split() for line in f]
    return [w[4] for w in lines if w[w.index("-") + 1] == "cgroup2"][-1]


class Backend:
    device, namespace = "right", None
    right4, right6 = "203.0.113.1", "2001:db8:2::1"

    def missing(self):
        """Why the tool cannot be tried here; None if it can."""
        return None

    def up(self):
        raise NotImplementedError

    def down(self):
        raise NotImplementedError

    def command(self, device=None, exempt=None):
        """The words to put before a program's; None: the tool has no such thing. device: another than the right one."""
        raise NotImplementedError

    def inject(self, packet):
        """It comes in by the right device; returns when the kernel has done with it."""
        put(packet, self.device, self.namespace, self.right4)

    def link(self, *changes):
        """Of devices where the right one is."""
        inside = f"-n {self.namespace} " if self.namespace else ""
        sh(*(f"ip {inside}link {change}" for change in changes))

    def do(self, what):
        """What happens to the device behind the tool's back."""
        if what == "down":
            self.link(f"set {self.device} down")
        elif what == "delete":
            self.link(f"del {self.device}")
        elif what == "rename":
            self.link(f"set {self.device} down", f"set {self.device} name renamed", "set renamed up")
        elif what == "again":
            self.link(f"del {self.device}")
            self.again()
        else:
            raise ValueError(what)

    def again(self):
        self.down()
        self.up()

    def heed(self):
        """Returns when the tool has noticed that the device is gone."""


class UsnRun(Backend):
    device = "usn0"
    right4, right6 = "10.64.0.1", "fd75:736e::1"

    def up(self):
        sh("usn up usn0 Peer=echo")

    def down(self):
        quiet("ip link del renamed", "usn down --force usn0")

    def again(self):
        self.up()

    def heed(self):
        for _ in range(500):
            listed = subprocess.run(["usn", "list", "--json"], stdout=subprocess.PIPE, text=True, check=True).stdout
            if '"gone": false' not in listed:
                return
        raise RuntimeError("the agent does not notice that usn0 is gone")

    def inject(self, packet):
        # A write to a TUN device returns when the packet is dealt with.
        subprocess.run(["usn", "rig", self.device, "--", "sh", "-c", "cat >&3"], input=packet, check=True)

    def command(self, device=None, exempt=None):
        return ["usn-run", *(["--except", exempt] if exempt else []), f"ND={device or self.device}", "--"]


class HostVeth(Backend):
    """The right device is a veth of the host's, with routes that are worse than the decoy's."""

    def routes(self):
        sh("ip addr add 203.0.113.1/24 dev right", "ip addr add 2001:db8:2::1/64 dev right nodad",
           "ip route add default dev right metric 5000", "ip -6 route add default dev right metric 5000")

    def up(self):
        sh("ip netns add near")
        veth("right", "near0", "near")
        self.routes()

    def down(self):
        quiet("ip link del renamed", "ip link del right", "ip netns del near")


class Plain(HostVeth):
    count = itertools.count()

    def command(self, device=None, exempt=None):
        if exempt:
            return None
        cgroup = f"{cgroup_tree()}/plain-{next(self.count)}"
        os.mkdir(cgroup)
        return ["plain", device or self.device, cgroup]


class Systemd(HostVeth):
    """The unit setting BindNetworkInterface=, by the systemd that is process 1."""

    def missing(self):
        if not os.path.isdir("/run/systemd/system"):
            return "no systemd is process 1 here: tests/conformance/systemd boots one"
        said = subprocess.run(["systemctl", "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout
        version = int(re.search(r"\d+", said)[0])
        return None if version >= 260 else f"systemd {version} has no BindNetworkInterface=, 260 is the first that has"

    def command(self, device=None, exempt=None):
        # A service with no other setting: it may do what its starter may.
        return None if exempt else ["systemd-run", "--quiet", "--collect", "--wait", "--pipe", "--expand-environment=no",
                                    f"--property=BindNetworkInterface={device or self.device}"]


class Vrf(HostVeth):
    def missing(self):
        r = subprocess.run("ip link add probe type vrf table 98".split(), capture_output=True, text=True, check=False)
        if r.returncode:
            return "this kernel has no VRF"
        sh("ip link del probe")
        return None

    def routes(self):
        sh("ip link add red type vrf table 99", "ip link set red up", "ip link set right master red",
           "ip addr add 203.0.113.1/24 dev right", "ip addr add 2001:db8:2::1/64 dev right nodad",
           "ip route add default dev right table 99", "ip -6 route add default dev right table 99",
           # As the kernel's Documentation/networking/vrf.rst has it: what the VRF has no route for goes nowhere.
           "ip route replace table 99 unreachable default metric 4278198272",
           "ip -6 route replace table 99 unreachable default metric 4278198272")

    def down(self):
        quiet("ip link del red")
        super().down()

    def command(self, device=None, exempt=None):
        return None if exempt else ["ip", "vrf", "exec", device or "red"]


class Netns(Backend):
    namespace = "box"

    def up(self):
        sh("ip netns add near", "ip netns add box", "ip -n box link set lo up")
        settle("box")
        veth("right", "near0", "near", own="box")
        sh("ip -n box addr add 203.0.113.1/24 dev right", "ip -n box addr add 2001:db8:2::1/64 dev right nodad",
           "ip -n box route add default dev right", "ip -n box -6 route add default dev right")

    def down(self):
        # A namespace lives as long as what is in it: the device goes by itself.
        quiet("ip -n box link del right", "ip -n box link del renamed", "ip netns del box", "ip netns del near")

    def again(self):
        veth("right", "near0", "near", own="box")
        sh("ip -n box addr add 203.0.113.1/24 dev right", "ip -n box addr add 2001:db8:2::1/64 dev right nodad",
           "ip -n box route add default dev right", "ip -n box -6 route add default dev right")

    def command(self, device=None, exempt=None):
        return None if exempt else ["ip", "netns", "exec", device or "box"]


BACKENDS = {"usn-run": UsnRun, "plain": Plain, "systemd": Systemd, "ip vrf exec": Vrf, "ip netns exec": Netns}
