#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The agent begins and ends: on demand or by hand, once, wherever another is about to end, and with what
# is in use left as it is.

load lib
load ../helpers/net

@test "a second agent is refused, and the first goes on" { in_sandbox second_agent; }
second_agent() {
	usnd
	first=$(agent_pid)
	fails 1 "an agent is running already: it answers at /run/usn/usnd.sock" usnd
	fails 1 "an agent is running already" usnd --foreground
	usnd --ephemeral
	[ "$(agent_pid)" = "$first" ]
	usn list
	[ "$(agent_pid)" = "$first" ]
	end_agent TERM
	nothing_left
}

@test "ten at once on a fresh host start one agent, and all succeed" { in_sandbox ten_at_once; }
ten_at_once() {
	for i in {1..10}; do
		usn list --json >"$TMP/out$i" 2>"$TMP/err$i" &
		pids[i]=$!
	done
	for p in "${pids[@]}"; do
		wait "$p"
	done
	for i in {1..10}; do
		[ ! -s "$TMP/err$i" ]
		[ "$(tr -d ' \n' <"$TMP/out$i")" = '{"devices":[]}' ]
	done
	[ "$(agent_pid | wc -l)" = 1 ]
	nothing_left
}

@test "a command that meets an agent about to end succeeds" { in_sandbox at_the_end_of_another; }
at_the_end_of_another() {
	# Whenever the one that ends is met, nobody is turned away.
	tries=0
	for i in {1..4}; do
		usn list
		agent=$(agent_pid)
		until ended "$agent"; do
			usn list >/dev/null &
			p=$!
			wait $p
			read -rt "0.$((RANDOM % 9 + 9))" <> <(:) || :
			[ $((++tries)) -lt 8 ] || break
		done
	done
	nothing_left
}

@test "fifty runs at once" { in_sandbox fifty_runs; }
fifty_runs() {
	mkfifo "$TMP/here.end"
	usn up usn0 Peer=echo
	for i in {1..50}; do
		usn-run ND=usn0 -- bash -c "echo >>'$TMP/here'; read -r <'$TMP/here.end'; exit $i" 2>"$TMP/err$i" &
		pids[i]=$!
	done
	eventually sh -c "[ \"\$(wc -l <'$TMP/here')\" = 50 ]"
	[ "$(show usn0 'len(d["runs"]), len({r["name"] for r in d["runs"]}), sorted(p["pid"] for r in d["runs"] for p in r["processes"])')" = \
		"(50, 50, [$(printf '%s\n' "${pids[@]}" | sort -n | paste -sd, | sed 's/,/, /g')])" ]
	exec 8<>"$TMP/here.end"
	printf '%.0s\n' {1..50} >&8
	for i in {1..50}; do
		status=0
		wait "${pids[i]}" || status=$?
		[ $status = "$i" ]
	done
	[ "$(show usn0 'd["runs"]')" = "[]" ]
	[ -z "$(find "$(cgroup_tree)/usn" -mindepth 1 -type d)" ]
}

@test "the agent that was started on demand ends with its last run and device" { in_sandbox ephemeral_ends; }
ephemeral_ends() {
	usn list
	nothing_left
	usn up usn0
	steps app usn-run ND=usn0 --
	expect app usn0 'device(make(V4, UDP))'
	usn down --force usn0
	# The run still holds it.
	[ -n "$(agent_pid)" ]
	finish app
	nothing_left
	[ -z "$(find "$(cgroup_tree)" -maxdepth 1 -name 'usn*' ! -path "$(cgroup_tree)")" ]
}

@test "an agent that was started by hand stays" { in_sandbox not_ephemeral; }
not_ephemeral() {
	usnd
	usn list
	usn up usn0
	usn down usn0
	# One that was started on demand would end after a second; the order of things shows that this one does not.
	TMP2=$(mktemp -d "$TMP/XXXX")
	python3 -c 'import select; select.select([], [], [], 1.5)'
	[ "$(agent_pid | wc -l)" = 1 ]
	rmdir "$TMP2"
}

@test "another network namespace" { in_sandbox other_namespace; }
other_namespace() {
	usn up usn0
	end_agent KILL
	fails 1 "usn0 belongs to an agent in another network namespace" unshare --net usnd
	# It has touched nothing.
	[ "$(usn list | wc -l)" = 1 ]
	fails 125 "another network namespace" unshare --net usn-run ND=usn0 -- true
	[ "$(show usn0 'd["runs"]')" = "[]" ]
}

@test "the agent that is started on demand keeps no descriptor of its caller's" { in_sandbox caller_descriptors; }
caller_descriptors() {
	# A lock that the caller holds would never be free again.
	exec 7>"$TMP/lock"
	flock 7
	usn up usn0
	exec 7>&-
	flock -n "$TMP/lock" true
	for fd in "/proc/$(agent_pid)/fd"/*; do
		not test "$(readlink "$fd")" = "$TMP/lock"
	done
}

@test "a stale socket, and what else may be in its place" { in_sandbox stale_socket; }
stale_socket() {
	mkdir -p /run/usn
	python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("/run/usn/usnd.sock")'
	usn list
	nothing_left
	touch /run/usn/usnd.sock
	usn list
	nothing_left
	# What cannot be put right is said.
	mkdir /run/usn/usnd.sock
	fails 1 "/run/usn/usnd.sock" usn list
	rmdir /run/usn/usnd.sock
	rmdir /run/usn 2>/dev/null || rm -r /run/usn
	touch /run/usn
	fails 1 "/run/usn" usn list
}

@test "a lock that is held by one who does not answer" { in_sandbox held_lock; }
held_lock() {
	# Somebody holds the lock and does not answer: an end that takes its time, or a program that is stuck.
	mkdir -p /run/usn
	exec 7>/run/usn/lock
	flock 7
	fails 1 "another agent holds /run/usn/lock but does not answer" usn list
	exec 7>&-
	usn list
}

@test "an agent that hangs is not waited for by the next one for ever" { in_sandbox hangs; }
hangs() {
	usn up usn0
	kill -STOP "$(agent_pid)"
	not env NOTIFY_SOCKET=/run/nobody usnd --foreground 2>"$TMP/err"
	grep -qx 'usnd: another agent holds /run/usn/lock but does not answer: end it first' "$TMP/err"
	kill -CONT "$(agent_pid)"
	usn down usn0
	nothing_left
}

@test "SIGTERM: what is in use stays, and idle it leaves nothing" { in_sandbox terminated_in_use; }
terminated_in_use() {
	usnd
	usn up usn0
	steps app usn-run ND=usn0 --
	expect app usn0 'device(make(V4, UDP))'
	links=$(ls /sys/fs/bpf/usn/links)
	for signal in TERM INT; do
		end_agent $signal
		[ ! -e /run/usn/usnd.sock ]
		ip link show usn0
		[ "$(ls /sys/fs/bpf/usn/links)" = "$links" ]
		expect app usn0 'device(make(V4, UDP))'
		usnd
		[ "$(show usn0 'len(d["runs"])')" = 1 ]
	done
	# Only the device: it stays.
	finish app
	end_agent TERM
	ip link show usn0
	[ -e /sys/fs/bpf/usn/maps/devices ]
	# Nothing: nothing stays.
	usnd
	usn down usn0
	end_agent TERM
	nothing_left
}

@test "a run that outlives its device and two agents stays refused" { in_sandbox run_only; }
run_only() {
	usn up usn0
	steps app usn-run ND=usn0 --
	usn down --force usn0
	expect app EPERM 'make(V4, UDP)'
	# A run without its device is still a run: its programs stay with it.
	end_agent TERM
	expect app EPERM 'make(V4, UDP)'
	usn list
	expect app EPERM 'make(V4, UDP)'
	finish app
	nothing_left
}
