#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# tools/sandbox in a plain chroot: a directory that is no mount point. There nothing can be said of how
# mounts spread. Where they do, as under systemd, the sandbox's mounts must not appear outside.

load lib
load ../helpers/net

# plain_root DIR: a directory with the programs of this machine and the project, and with an /etc, /run
# and /tmp of its own.
plain_root() {
	local dir
	mkdir -p "$1"/{usr,dev,etc,proc,sys,run,tmp,work}
	for dir in bin sbin lib lib64; do
		[ ! -e "/usr/$dir" ] || ln -s "usr/$dir" "$1/$dir"
	done
	for dir in usr dev sys; do
		mount --rbind "/$dir" "$1/$dir"
	done
	mount -t proc proc "$1/proc"
	mount --bind "$ROOT" "$1/work"
	cp -a /etc/alternatives /etc/passwd /etc/group "$1/etc"
}

# mounts: where something is mounted here, one a line.
mounts() { cut -d' ' -f 5 /proc/self/mountinfo | sort; }

@test "chroot: tools/sandbox where / is no mount point, and nothing appears outside" { in_sandbox in_chroot; }
in_chroot() {
	mount --make-rshared /
	plain_root "$TMP/root"
	not mountpoint -q "$TMP/root"
	mounts >"$TMP/before"
	chroot "$TMP/root" /work/tools/sandbox bash -euc '
		export PATH=/work/build:$PATH
		touch /run/inside /etc/inside
		usn up usn0 Peer=echo
		usn tail --json -c 2 usn0 >/run/packets 2>/run/said &
		tail=$!
		until grep -q listening /run/said; do sleep 0.02; done
		usn-run ND=usn0 -- ping -qc 1 10.64.0.2
		wait $tail
		cat /run/packets
		usn down usn0' >"$TMP/said"
	has '"comm":"ping"' <"$TMP/said"
	# Nothing is left outside: no mount, no file, no cgroup.
	mounts | diff "$TMP/before" -
	[ -z "$(ls "$TMP/root/run")" ]
	[ ! -e "$TMP/root/etc/inside" ]
	[ -z "$(find "$(cgroup_tree)" -mindepth 1 -type d)" ]
}

@test "chroot: the command's status, and the end of what it leaves" { in_sandbox ends_early; }
ends_early() {
	mount --make-rshared /
	plain_root "$TMP/root"
	mounts >"$TMP/before"
	status=0
	chroot "$TMP/root" /work/tools/sandbox sh -c 'sleep 1000 & exit 7' || status=$?
	[ $status = 7 ]
	mounts | diff "$TMP/before" -
	[ -z "$(find "$(cgroup_tree)" -mindepth 1 -type d)" ]
}
