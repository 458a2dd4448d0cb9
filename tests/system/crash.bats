#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The agent is killed: runs stay bound, and the next agent finds what is there and sweeps what is not.

load lib
load ../helpers/net

@test "the agent is killed: a run stays bound, the next agent finds it and ends it" { in_sandbox killed_with_run; }
killed_with_run() {
	usn up usn0 usn1 Peer=echo
	steps app usn-run ND=usn0 --
	expect app usn0 'device(make(V4, UDP))'
	run=$(show usn0 'd["runs"][0]["name"]')
	end_agent KILL
	# Nobody is there, and still it is bound.
	expect app usn0 'device(make(V4, UDP))'
	[ -d "$(cgroup_tree)/usn/$run" ]
	# The next one finds it again, with its process.
	usn list | grep -E "^  run $run .*$(pid_of app)/"
	[ "$(show usn0 '[(p["pid"], p["command"]) for p in d["runs"][0]["processes"]]')" = "[($(pid_of app), 'python3')]" ]
	expect app usn0 'device(make(V4, UDP))'
	# And its end is the end of it.
	finish app
	[ "$(show usn0 'd["runs"]')" = "[]" ]
	[ ! -d "$(cgroup_tree)/usn/$run" ]
	[ "$(bpftool -j map dump pinned /sys/fs/bpf/usn/maps/bindings)" = "[]" ]
	usn down usn0 usn1
	nothing_left
}

@test "the agent is killed: what ended meanwhile is swept by the next one" { in_sandbox ends_without_agent; }
ends_without_agent() {
	usn up usn0 Except=192.0.2.0/24
	steps app usn-run ND=usn0 --
	expect app usn0 'device(make(V4, UDP))'
	end_agent KILL
	# It ends while nobody looks.
	finish app
	[ "$(bpftool -j map dump pinned /sys/fs/bpf/usn/maps/bindings | value 'len(d)')" = 1 ]
	[ "$(show usn0 'd["runs"]')" = "[]" ]
	[ "$(bpftool -j map dump pinned /sys/fs/bpf/usn/maps/bindings)" = "[]" ]
	[ -z "$(find "$(cgroup_tree)/usn" -mindepth 1 -type d)" ]
	# The rules that it shared with its device are still the device's.
	[ "$(show usn0 'd["except"]')" = "['loopback', '192.0.2.0/24']" ]
}

@test "the agent is killed while it starts" { in_sandbox killed_in_start; }
killed_in_start() {
	# At any moment of its start; the next one puts right what is there.
	for i in {1..25}; do
		usnd --foreground 2>/dev/null &
		agent=$!
		until [ -e /run/usn/usnd.sock ] || ended $agent; do :; done
		for ((j = 0; j < i * 40; j++)); do :; done
		kill -9 $agent
		wait $agent || :
	done
	usn up usn0
	usn-run ND=usn0 -- true
	usn down usn0
	nothing_left
}

@test "half-published pins of an agent that was killed are replaced" { in_sandbox killed_while_publishing; }
killed_while_publishing() {
	# What one leaves that was killed in the middle of publishing.
	mkdir -p /sys/fs/bpf/usn-new/maps /sys/fs/bpf/usn-new/links
	bpftool map create /sys/fs/bpf/usn-new/maps/bindings type hash key 8 value 32 entries 1 name bindings
	usn up usn0
	[ ! -e /sys/fs/bpf/usn-new ]
	usn-run ND=usn0 -- true
}

@test "the agent is killed in the middle of many launches: started means bound, and nothing is left" { in_sandbox killed_while_launching; }
killed_while_launching() {
	usn up usn0
	for i in {1..40}; do
		{
			status=0
			usn-run ND=usn0 -- python3 -c '
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sys.exit(s.getsockopt(socket.SOL_SOCKET, 25, 16).rstrip(b"\0") != b"usn0")' 2>"$TMP/err$i" || status=$?
			echo $status >"$TMP/status$i"
		} &
		pids[i]=$!
		# In the middle of them, again and again.
		[ $((i % 8)) != 4 ] || agent_pid | xargs -r kill -9 || :
	done
	wait "${pids[@]}"
	for i in {1..40}; do
		case $(cat "$TMP/status$i") in
		0) ;;
		125) [ "$(wc -l <"$TMP/err$i")" = 1 ] ;; # it was not started, and says why
		*)
			cat "$TMP/status$i" "$TMP/err$i"
			return 1
			;;
		esac
	done
	grep -qx 0 "$TMP"/status*
	eventually usn list
	[ "$(show usn0 'd["runs"]')" = "[]" ]
	[ -z "$(find "$(cgroup_tree)/usn" -mindepth 1 -type d)" ]
	[ "$(bpftool -j map dump pinned /sys/fs/bpf/usn/maps/bindings)" = "[]" ]
	usn down usn0
	nothing_left
}

@test "a rig is found again after a crash, beside one of the same name in another namespace" { in_sandbox rig_of_another_namespace; }
rig_of_another_namespace() {
	# A queue of the same name in another network namespace is not ours, even if its process is found first.
	unshare --net bash -c '
		ip tuntap add dev usn0 mode tun
		ip link set usn0 up
		exec python3 -c "
import fcntl, os, struct, sys, time
f = os.open(\"/dev/net/tun\", os.O_RDWR)
fcntl.ioctl(f, 0x400454ca, struct.pack(\"16sH22x\", b\"usn0\", 0x1001))
open(sys.argv[1], \"w\").close()
while True:
    os.read(f, 65536)" "$0"' "$TMP/there" &
	eventually test -e "$TMP/there"
	usn up usn0 Peer=echo
	usn rig usn0 -- sh -c 'exec sleep 1000' &
	rig=$!
	eventually show_is usn0 '"rig" in d'
	end_agent KILL
	# The next agent takes the queue over from the rig, and from nobody else.
	[ "$(show usn0 'd["rig"]["pid"]')" = $rig ]
	kill $rig
	eventually show_is usn0 '"rig" not in d'
	usn-run ND=usn0 -- ping -n -q -c 1 -W 2 10.64.0.2
}
