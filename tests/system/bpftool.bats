#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What people see who look with bpftool.

load lib

PROGRAMS="usn_bind4 usn_bind6 usn_connect4 usn_connect6 usn_egress usn_sendmsg4 usn_sendmsg6 usn_setsockopt usn_sock_create"

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
@test "bpftool: maps show devices by field name" { in_sandbox maps_by_field; }

programs_by_name() {
	usn up usn0
	bpftool cgroup tree "$(cgroup_tree)" >"$TMP/tree"
	bpftool prog >"$TMP/progs"
	for p in $PROGRAMS; do
		grep -q " $p" "$TMP/tree"
		grep -q "name $p " "$TMP/progs"
		[ -e "/sys/fs/bpf/usn/progs/$p" ]
		bpftool link show pinned "/sys/fs/bpf/usn/links/$p" >"$TMP/link"
		grep -q "cgroup " "$TMP/link"
	done
	[ "$(ls /sys/fs/bpf/usn/progs | tr '\n' ' ')" = "$PROGRAMS " ]
	[ "$(ls /sys/fs/bpf/usn)" = "$(printf 'links\nmaps\nprogs')" ]
	usn tail usn0 2>"$TMP/err" &
	eventually grep -q listening "$TMP/err"
	bpftool prog | has "name usn_tap_in "
	bpftool prog | has "name usn_tap_out "
}
@test "bpftool: programs have names that say what they are" { export PROGRAMS; in_sandbox programs_by_name; }
