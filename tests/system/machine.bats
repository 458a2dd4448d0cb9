#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What a machine or a caller lacks: rights, a cgroup v2 tree, BTF, TUN, a BPF file system, room on the
# disk, standard descriptors. One line says what, and nothing half-made is left.

load lib

@test "not root" { in_sandbox not_root; }
not_root() {
	fails 1 "run this as root" setpriv --reuid 65534 --clear-groups usn list
	fails 1 "run this as root" setpriv --reuid 65534 --clear-groups usn up usn0
	fails 1 "run this as root" setpriv --reuid 65534 --clear-groups usnd
	fails 1 "run this as root" setpriv --reuid 65534 --clear-groups usnd --foreground
	fails 125 "run this as root" setpriv --reuid 65534 --clear-groups usn-run ND=usn0 -- true
	nothing_left
	# Of an agent that runs they get nothing either, as long as no file names them: users.bats.
	usn up usn0
	for verb in "up usn1" "down usn0" "ambient on" "bind --cgroup / usn0"; do
		# shellcheck disable=SC2086
		fails 1 "run this as root" setpriv --reuid 65534 --clear-groups usn $verb
	done
	for verb in "show usn0" "rig usn0 true" "tail -c 1 usn0"; do
		# shellcheck disable=SC2086
		fails 1 "usn0 is not for nobody" setpriv --reuid 65534 --clear-groups usn $verb
	done
	fails 125 "usn0 is not for nobody" setpriv --reuid 65534 --clear-groups usn-run ND=usn0 -- true
	[ -z "$(setpriv --reuid 65534 --clear-groups usn list)" ]
	[ "$(usn list | wc -l)" = 1 ]
}

@test "root in name only" { in_sandbox without_capabilities; }
without_capabilities() {
	fails 1 "" setpriv --bounding-set -all usn up usn0
	nothing_left
	fails 1 "" setpriv --bounding-set -net_admin usn up usn0
	nothing_left
	fails 1 "" setpriv --bounding-set -sys_admin,-bpf usn up usn0
	nothing_left
}

@test "no cgroup v2 tree" { in_sandbox no_cgroup2; }
no_cgroup2() {
	tree=$(cgroup_tree)
	umount "$tree"
	[ -z "$(cgroup_tree)" ]
	fails 1 "no cgroup v2 tree is mounted: mount -t cgroup2" usn up usn0
	fails 125 "no cgroup v2 tree is mounted" usn-run ND=usn0 -- true
	fails 1 "no cgroup v2 tree is mounted" usnd
	nothing_left
	mount -t cgroup2 cgroup2 "$tree"
	usn up usn0
}

@test "a cgroup v2 tree somewhere else, with a space in its name" { in_sandbox tree_elsewhere; }
tree_elsewhere() {
	tree=$(cgroup_tree)
	mkdir "$TMP/a tree"
	mount --move "$tree" "$TMP/a tree"
	usn up usn0
	usn-run ND=usn0 -- test -d "$TMP/a tree/usn/usn0-1"
	[ "$(usn-run ND=usn0 -- sed -n 's/^0:://p' /proc/self/cgroup)" = /usn/usn0-2 ]
	# A mount of a part of the tree is not taken for it, whichever stands first.
	mkdir "$TMP/part"
	mount --bind "$TMP/a tree/usn" "$TMP/part"
	end_agent KILL
	usn-run ND=usn0 -- sh -c '[ -d "$0/usn0-1" ] && [ ! -e "$0/usn" ]' "$TMP/part"
	usn down usn0
	eventually no_agent
}

@test "no BTF" { in_sandbox no_btf; }
no_btf() {
	mount -t tmpfs tmpfs /sys/kernel/btf
	fails 1 "the kernel has no BTF" usn up usn0
	fails 125 "the kernel has no BTF" usn-run ND=usn0 -- true
	fails 1 "the kernel has no BTF" usnd --foreground
	nothing_left
	umount /sys/kernel/btf
	usn up usn0
}

@test "no /dev/net/tun" { in_sandbox no_tun; }
no_tun() {
	mount -t tmpfs tmpfs /dev/net
	fails 1 "/dev/net/tun is missing: modprobe tun" usn up usn0
	fails 1 "/dev/net/tun is missing" usn up usn0
	nothing_left
	# A node that is no TUN.
	mknod /dev/net/tun c 1 3
	fails 1 "usn0" usn up usn0
	rm /dev/net/tun
	mkdir /dev/net/tun
	fails 1 "/dev/net/tun" usn up usn0
	nothing_left
	umount /dev/net
	usn up usn0
}

@test "no BPF file system: the agent mounts one" { in_sandbox no_bpffs; }
no_bpffs() {
	while mountpoint -q /sys/fs/bpf; do
		umount /sys/fs/bpf
	done
	usn up usn0 Peer=echo
	[ "$(stat -f -c %T /sys/fs/bpf)" = bpf_fs ]
	[ -e /sys/fs/bpf/usn/maps/bindings ]
	usn-run ND=usn0 -- ping -n -q -c 1 10.64.0.2
	usn down usn0
	nothing_left
	# Where none can be mounted.
	umount /sys/fs/bpf
	mount -t tmpfs tmpfs /sys/fs
	fails 1 "/sys/fs/bpf is no BPF file system and cannot be made one" usn up usn0
	umount /sys/fs
	nothing_left
}

@test "a full disk: list and show" { in_sandbox dev_full; }
dev_full() {
	usn up usn0
	fails 1 "No space left on device" bash -c '"$@" >/dev/full' - usn list
	fails 1 "No space left on device" bash -c '"$@" >/dev/full' - usn list --json
	fails 1 "No space left on device" bash -c '"$@" >/dev/full' - usn show usn0
	fails 1 "No space left on device" bash -c '"$@" >/dev/full' - usn show --json usn0
}

@test "a full disk: --help and --version" { in_sandbox dev_full_help; }
dev_full_help() {
	fails 1 "No space left on device" bash -c '"$@" >/dev/full' - usn --help
	for verb in up down list show rig tail; do
		fails 1 "No space left on device" bash -c '"$@" >/dev/full' - usn $verb --help
	done
	fails 1 "No space left on device" bash -c '"$@" >/dev/full' - usn --version
	fails 1 "No space left on device" bash -c '"$@" >/dev/full' - usnd --help
	fails 1 "No space left on device" bash -c '"$@" >/dev/full' - usnd --version
	fails 125 "No space left on device" bash -c '"$@" >/dev/full' - usn-run --help
	fails 125 "No space left on device" bash -c '"$@" >/dev/full' - usn-run --version
}

@test "standard descriptors that are closed" { in_sandbox closed_descriptors; }
closed_descriptors() {
	# On demand, with an agent to start that gets nothing open.
	usn up usn0 <&-
	[ "$(usn list | wc -l)" = 1 ]
	usn down usn0
	nothing_left
	usn up usn0 <&- >&- 2>&-
	[ "$(usn list | wc -l)" = 1 ]
	# What cannot be said is an error.
	fails 1 "" bash -c '"$@" >&-' - usn list --json
	# The application's are its own: closed, too.
	usn-run ND=usn0 -- bash -c '! { true >&0; } 2>/dev/null' <&-
	usn down usn0
	nothing_left
	usnd <&- >&- 2>&-
	usn up usn0
}
