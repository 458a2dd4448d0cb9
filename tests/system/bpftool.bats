#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What people see who look with bpftool.

load lib

PROGRAMS="usn_bind4 usn_bind6 usn_connect4 usn_connect6 usn_egress usn_getpeername4 usn_getpeername6 usn_recvmsg4 usn_recvmsg6 usn_sendmsg4 usn_sendmsg6 usn_setsockopt usn_sock_create"

@test "bpftool: maps show devices by field name" { in_sandbox maps_by_field; }
maps_by_field() {
	usn up usn7
	usn-run ND=usn7 -- sleep 100 &
	eventually sh -c 'usn list | grep -q sleep'
	ifindex=$(ip -o link show usn7 | cut -d: -f1)
	bpftool -j map dump pinned /sys/fs/bpf/usn/maps/bindings >"$TMP/bindings"
	[ "$(value '[e["formatted"]["value"]["device"] for e in d]' <"$TMP/bindings")" = "['usn7']" ]
	[ "$(value 'd[0]["formatted"]["value"]["ifindex"]' <"$TMP/bindings")" = "$ifindex" ]
	[ "$(value 'd[0]["formatted"]["key"]' <"$TMP/bindings")" = "$(show usn7 'd["runs"][0]["cgroup"]')" ]
	bpftool map dump pinned /sys/fs/bpf/usn/maps/bindings | has '"device": "usn7"'
	bpftool map dump pinned /sys/fs/bpf/usn/maps/devices | has '"name": "usn7"'
	bpftool map dump pinned /sys/fs/bpf/usn/maps/counters | has '"bound": '
}

# What the link of a program says, by a python expression.
link_of() {
	show_link pinned "/sys/fs/bpf/usn/links/$1" | value "$2"
}

@test "bpftool: programs have names that say what they are" { export PROGRAMS; in_sandbox programs_by_name; }
programs_by_name() {
	usn up usn0
	bpftool cgroup tree "$(cgroup_tree)" >"$TMP/tree"
	bpftool prog >"$TMP/progs"
	for p in $PROGRAMS; do
		grep -q " $p" "$TMP/tree"
		grep -q "name $p " "$TMP/progs"
		[ -e "/sys/fs/bpf/usn/progs/$p" ]
		[ "$(link_of "$p" 'd["type"]')" = cgroup ]
	done
	[ "$(ls /sys/fs/bpf/usn/progs | tr '\n' ' ')" = "$PROGRAMS " ]
	[ "$(ls /sys/fs/bpf/usn)" = "$(printf 'links\nmaps\nprogs')" ]
	usn tail usn0 2>"$TMP/err" &
	eventually grep -q listening "$TMP/err"
	bpftool prog | has "name usn_tap_in "
	bpftool prog | has "name usn_tap_out "
}

# The counters of usn0, each the sum over the CPUs, as a python dict.
counted() {
	bpftool -j map dump pinned /sys/fs/bpf/usn/maps/counters |
		value '{k: sum(c["value"][k] for c in e["formatted"]["values"]) for e in d if e["formatted"]["key"] == 0 for k in e["formatted"]["values"][0]["value"]}'
}

@test "bpftool: counters count, and usn show has them by the same names" { in_sandbox counters_by_field; }
counters_by_field() {
	usn up usn0
	usn-run ND=usn0 -- python3 -c '
import socket
for i in range(5):
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close()
s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.connect_ex(("127.0.0.1", 9))
s.setblocking(False)
s.connect_ex(("192.0.2.1", 9))'
	# usn show says the same of all of them, by the same names.
	verdicts=$(show usn0 'd["verdicts"]')
	[ "$(counted)" = "$verdicts" ]
	for count in bound:6 exempted:1 rebound:1 refused_device:0; do
		has -F "'${count%:*}': ${count#*:}" <<<"$verdicts"
	done
}

program_id() {
	bpftool -j prog show pinned "/sys/fs/bpf/usn/progs/$1" | value 'd["id"]'
}

@test "bpftool: links stay, and have the programs of the newest agent" { in_sandbox links_and_programs; }
links_and_programs() {
	usn up usn0
	mapfile -t names < <(ls /sys/fs/bpf/usn/progs)
	[ "$(ls /sys/fs/bpf/usn/links)" = "$(ls /sys/fs/bpf/usn/progs)" ]
	above=$(stat -c %i "$(cgroup_tree)/usn")
	for p in "${names[@]}"; do
		[ "$(link_of "$p" 'd["type"], d["cgroup_id"], d["prog_id"]')" = "('cgroup', $above, $(program_id "$p"))" ]
	done
	# They hang above the runs, once; a run has none of its own, and yet all of them decide over it.
	usn-run ND=usn0 -- sleep 100 &
	eventually sh -c 'usn list | grep -q sleep'
	run=$(cgroup_tree)/usn/$(show usn0 'd["runs"][0]["name"]')
	[ "$(bpftool -j cgroup show "$(cgroup_tree)/usn" | value '" ".join(sorted(p["name"] for p in d))')" = "${names[*]}" ]
	[ "$(bpftool cgroup show "$run" | grep -c usn_ || :)" = 0 ]
	[ "$(bpftool cgroup show "$run" effective | grep -c usn_)" = ${#names[@]} ]
	# The next agent puts its own programs into the same links, and nothing of the old ones is kept.
	before=$(program_id usn_sock_create)
	link=$(link_of usn_sock_create 'd["id"]')
	agent=$(agent_pid)
	kill -9 "$agent"
	eventually usn list
	after=$(program_id usn_sock_create)
	[ "$after" != "$before" ]
	[ "$(link_of usn_sock_create 'd["id"], d["prog_id"]')" = "($link, $after)" ]
	eventually sh -c "! bpftool prog show id $before 2>/dev/null"
}

@test "bpftool: pins are root's alone, are named as their maps, and go with the last device" { in_sandbox root_only; }
root_only() {
	usn up usn0
	[ -z "$(find /sys/fs/bpf/usn -perm /077)" ]
	[ ! -e /sys/fs/bpf/usn-new ]
	for m in /sys/fs/bpf/usn/maps/*; do
		[ "$(bpftool -j map show pinned "$m" | value 'd["name"]')" = "${m##*/}" ]
	done
	usn down usn0
	eventually test ! -e /sys/fs/bpf/usn
}
