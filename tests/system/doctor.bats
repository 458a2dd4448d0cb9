#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# usn doctor: it finds what is in usn's way, says what to do, and leaves nothing behind.

load lib

# What it finds is in $TMP/found: a line with status, name, found and advice for each check. Its exit status is passed on.
look() {
	local status=0
	usn doctor --json >"$TMP/json" 2>"$TMP/err" || status=$?
	value '"\n".join("\t".join([f["status"], f["name"], f["found"], f["advice"] or ""]) for f in d)' <"$TMP/json" >"$TMP/found"
	return $status
}

# finds STATUS NAME TEXT: in what look() has found, the text in what was found or in the advice.
finds() {
	grep -P "^$1\t$2\t" "$TMP/found" | has -F -- "$3"
}

# A machine without any fault, whatever the host's settings are.
sound() {
	echo 0 >/proc/sys/net/ipv4/conf/all/rp_filter
}

@test "doctor: all is well, in text and JSON, with an agent and without" { in_sandbox healthy; }
healthy() {
	sound
	look
	[ ! -s "$TMP/err" ]
	# An old kernel may lack what usn does without.
	if grep -vP '^ok\t|^warn\t(netns_cookie|bind_moves|atomics|tcx|kfuncs|current_task|task_storage|peer_pidfd|exit_status)\t' "$TMP/found"; then
		return 1
	fi
	[ "$(wc -l <"$TMP/found")" -ge 30 ]
	[ "$(wc -l <"$TMP/found")" -lt 64 ]
	value '[] == [f for f in d if list(f) != ["name", "status", "found", "advice"] or not f["found"] or (f["status"] == "ok") != (f["advice"] is None)]' \
		<"$TMP/json" | has -x True
	# The text has the same in the same order.
	usn doctor >"$TMP/text"
	diff <(cut -f 1,2 "$TMP/found") <(awk '{ print $1 "\t" $2 }' "$TMP/text")
	finds ok cgroup2 "$(cgroup_tree)"
	# It has asked no agent, and started none.
	finds ok agent none
	[ ! -e /run/usn ]
	usn up usn0
	look
	finds ok agent /run/usn/usnd.sock
	finds ok foreign_programs none
}

@test "doctor: no BPF file system, no cgroup v2 tree" { in_sandbox unmounted; }
unmounted() {
	sound
	tree=$(cgroup_tree)
	while mountpoint -q /sys/fs/bpf; do umount /sys/fs/bpf; done
	look
	finds warn bpffs 'mount -t bpf bpf /sys/fs/bpf'
	# As it says, the agent mounts one.
	usn up usn0
	look
	finds ok bpffs /sys/fs/bpf
	usn down usn0
	eventually test ! -e /run/usn/usnd.sock
	mount -o remount,bind,ro "$tree"
	fails 1 'of what it needs 1 is missing' usn doctor
	look || :
	finds missing cgroup2 "mount -o remount,rw $tree"
	# The agent that is about to end has it open.
	eventually umount "$tree"
	fails 1 'of what it needs 1 is missing' usn doctor --json
	look || :
	finds missing cgroup2 'mount -t cgroup2 cgroup2'
	finds ok foreign_programs 'no cgroup v2 tree'
	fails 1 'no cgroup v2 tree' usn up usn0
}

@test "doctor: no TUN" { in_sandbox no_tun; }
no_tun() {
	sound
	touch "$TMP/empty"
	mount --bind "$TMP/empty" /dev/net/tun
	fails 1 'of what it needs 1 is missing' usn doctor
	look || :
	finds missing tun 'modprobe tun'
	umount /dev/net/tun
	mount -t tmpfs tmpfs /dev/net
	fails 1 'of what it needs 1 is missing' usn doctor
	look || :
	finds missing tun 'modprobe tun'
	finds missing tun 'No such file'
}

@test "doctor: rp_filter" { in_sandbox rp_filter; }
rp_filter() {
	sound
	for value in 1 2; do
		echo $value >/proc/sys/net/ipv4/conf/all/rp_filter
		look
		finds warn rp_filter "net.ipv4.conf.all.rp_filter is $value"
		finds warn rp_filter 'net.ipv4.conf.all.rp_filter=0'
	done
	# The advice is a command that helps.
	command=$(grep -P '\trp_filter\t' "$TMP/found" | grep -o 'sysctl -w [^ ]*')
	$command
	look
	finds ok rp_filter 'is 0'
}

# attach CGROUP [HOW]: a program of somebody else's, which does nothing.
attach() {
	bpftool cgroup attach "$1" sock_create pinned /sys/fs/bpf/stranger "${@:2}"
}

@test "doctor: programs of others are named, usn's own are not" { in_sandbox foreign; }
foreign() {
	sound
	tree=$(cgroup_tree)
	bpftool prog load "$ROOT/build/gen/plain.bpf.o" /sys/fs/bpf/stranger
	stranger="plain_sock_crea (id $(bpftool -j prog show pinned /sys/fs/bpf/stranger | value 'd["id"]'), cgroup/sock_create)"
	attach "$tree" multi
	look
	finds warn foreign_programs "$stranger"
	finds warn foreign_programs "bpftool cgroup tree $tree"
	# Of all others, which are usn's own, it says nothing.
	usn up usn0 Ambient=yes
	usn ambient on
	look
	finds warn foreign_programs $'\t'"$stranger"$'\t'
	bpftool cgroup detach "$tree" sock_create pinned /sys/fs/bpf/stranger
	look
	finds ok foreign_programs none
	attach "$tree/usn" multi
	look
	finds warn foreign_programs "$stranger"
	usn ambient off
	usn down usn0
}

@test "doctor: a program of others that takes none beside it" { in_sandbox foreign_alone; }
foreign_alone() {
	sound
	tree=$(cgroup_tree)
	bpftool prog load "$ROOT/build/gen/plain.bpf.o" /sys/fs/bpf/stranger
	attach "$tree" override
	look
	finds warn foreign_programs 'does not see runs'
	usn up usn0
	bpftool cgroup show "$tree/usn" effective | has usn_sock_create
	if bpftool cgroup show "$tree/usn" effective | has plain_sock; then
		return 1
	fi
	usn down usn0
	eventually test ! -e "$tree/usn"
	bpftool cgroup detach "$tree" sock_create pinned /sys/fs/bpf/stranger
	attach "$tree"
	fails 1 'of what it needs 1 is missing' usn doctor
	look || :
	finds missing foreign_programs plain_sock_crea
	finds missing foreign_programs 'BPF_F_ALLOW_MULTI'
	fails 1 'cannot attach usn_sock_create' usn up usn0
}

@test "doctor: not root, and root with less than all capabilities" { in_sandbox capabilities; }
capabilities() {
	sound
	fails 1 'of what it needs 2 are missing' setpriv --bounding-set -net_admin --inh-caps -net_admin usn doctor
	setpriv --bounding-set -sys_ptrace --inh-caps -sys_ptrace usn doctor >"$TMP/text"
	grep -q '^warn  *capabilities  *no CAP_SYS_PTRACE' "$TMP/text"
	# Without any nothing of BPF is left, and all of it is told.
	fails 1 'are missing' setpriv --bounding-set -all --inh-caps -all usn doctor
	{ setpriv --bounding-set -all --inh-caps -all usn doctor 2>/dev/null || :; } >"$TMP/text"
	for name in cgroup/connect4 cgroup_links lpm_trie kfuncs tcx task_storage capabilities; do
		if grep -q "^ok  *$name " "$TMP/text"; then
			return 1
		fi
	done
	grep -q '^missing  *lpm_trie .*see capabilities' "$TMP/text"
	fails 1 'run this as root' setpriv --reuid 65534 --clear-groups usn doctor
	fails 1 'run this as root' setpriv --reuid 65534 --clear-groups usn doctor --json
	[ -z "$(setpriv --reuid 65534 --clear-groups usn doctor --json 2>/dev/null)" ]
}

# A usnd whose programs read beyond their context, which no kernel takes: built in a copy of the tree.
build_refused() {
	mkdir "$TMP/tree"
	(cd "$ROOT" && git ls-files -z | xargs -0 cp --parents -pt "$TMP/tree" 2>/dev/null) || :
	cp -a "$ROOT/build" "$TMP/tree/"
	sed -i 's/CTX_WRITE(ctx, optlen, 0);/CTX_LOAD("u32", ctx, 4096);/' "$TMP/tree/bpf/option.bpf.h"
	make -s -C "$TMP/tree" build/usnd
}

@test "doctor: programs that the kernel refuses, with the verifier's reason" { in_sandbox refused; }
refused() {
	sound
	build_refused
	cp build/usn build/usn-run "$TMP/tree/build/"
	export PATH=$TMP/tree/build:$PATH
	reason='the kernel refuses the program usn_setsockopt: invalid bpf_context access off=4096 size=4 at '
	fails 1 'of what it needs 2 are missing' usn doctor
	look || :
	finds missing programs/runs "$reason"
	finds missing programs/runs 'compiled by '
	finds missing programs/runs 'make CLANG='
	finds missing programs/ambient 'the kernel refuses the program usn_nd_setsockopt: invalid bpf_context access'
	finds ok programs/taps 'programs, compiled by'
	# All small programs work: it is not the kernel.
	finds ok cgroup/setsockopt works
	# The agent says the same, whoever starts it, and with -v all of the log.
	fails 1 "$reason" usn up usn0
	fails 1 "$reason" usnd --foreground
	usnd --foreground -v >"$TMP/out" 2>&1 && return 1
	grep -q 'BEGIN PROG LOAD LOG' "$TMP/out"
	grep -q '^processed [0-9]* insns' "$TMP/out"
	usnd --check >"$TMP/out" 2>"$TMP/err" && return 1
	grep -qP '^refused\truns\t' "$TMP/out"
	grep -qP '^refused\tambient\t' "$TMP/out"
	[ ! -s "$TMP/err" ]
	# It was tried, and nothing is there of it.
	[ ! -e /sys/fs/bpf/usn ] && [ ! -e /sys/fs/bpf/usn-new ]
}

@test "doctor: an agent that cannot be asked" { in_sandbox unasked; }
unasked() {
	sound
	mkdir "$TMP/alone"
	cp "$ROOT/build/usn" "$TMP/alone/"
	printf '#!/bin/sh\nexit 2\n' >"$TMP/alone/usnd"
	chmod 755 "$TMP/alone/usnd"
	PATH=$TMP/alone:$PATH
	fails 1 'of what it needs 3 are missing' usn doctor
	look || :
	finds missing programs/runs '/usnd --check does not answer'
}

@test "doctor: wrong usage" { in_sandbox usage; }
usage() {
	fails 2 'wrong option' usn doctor --zzz
	fails 2 'wrong option' usn doctor -x
	fails 2 "unexpected 'usn0'" usn doctor usn0
	fails 1 'cannot write' sh -c 'usn doctor >/dev/full'
}

# What others make at the same time is none of ours: all that it makes in the kernel has its name, or hangs on what has.
none_of_its_own() {
	! { bpftool prog && bpftool map; } | grep -q 'name usn_doctor'
}

# Interfaces, pins, cgroups, files and settings.
traces() {
	ip -d link
	find "$(cgroup_tree)" /sys/fs/bpf /run | sort
	sysctl -a 2>/dev/null | grep -E '^net\.ipv[46]\.conf'
}

@test "doctor: nothing is left behind, however it ends" { in_sandbox leaves_nothing; }
leaves_nothing() {
	sound
	traces >"$TMP/before"
	look
	eventually none_of_its_own
	for signal in INT TERM KILL; do
		for ((ms = 5; ms < 200; ms += 15)); do
			timeout -s $signal "$(printf 0.%03d $ms)" usn doctor >/dev/null 2>&1 || :
		done
	done
	eventually none_of_its_own
	traces >"$TMP/after"
	diff "$TMP/before" "$TMP/after"
}

@test "doctor: the manual has every check" { in_sandbox in_the_manual; }
in_the_manual() {
	sound
	look
	cut -f 2 "$TMP/found" | sed -E 's#^(cgroup|programs)/.*#\1/#' | sort -u >"$TMP/names"
	sed -n '/^\.It Cm doctor/,/^\.Sh/s/^\.It Sy \([^ ]*\) .*/\1/p' "$ROOT/docs/man/usn.8" | sort -u | diff "$TMP/names" -
}

# The agent's programs are in three objects, and ambient mode's in one: all are at these hooks.
@test "doctor: tries each hook that a program of usn is for" { in_sandbox all_hooks; }
all_hooks() {
	look
	cut -f 2 "$TMP/found" | grep -E '^cgroup(_skb)?/' | sort >"$TMP/names"
	[ "$(wc -l <"$TMP/names")" -gt 10 ]
	sed -n 's/^SEC("\(cgroup[^"]*\)")$/\1/p' "$ROOT"/bpf/*.bpf.c | sort -u | diff "$TMP/names" -
}
