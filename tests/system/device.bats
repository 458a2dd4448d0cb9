#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Devices: how they are listed, live on without their agent, and end.

load lib

@test "a device that somebody takes down and up goes on" { in_sandbox link_down_and_up; }
link_down_and_up() {
	usn up usn0 Peer=echo
	ip link set usn0 down
	ip link set usn0 up
	ping_from usn0 10.64.0.2
}

@test "down: the device is gone, with all that was kept of it" { in_sandbox down; }
down() {
	usn up usn0 usn1 usn2
	usn down usn0
	no_device usn0
	[ "$(usn list --json | value '[x["name"] for x in d["devices"]]')" = "['usn1', 'usn2']" ]
	fails 1 "usn0 is not up" usn down usn0
	fails 1 "usn0 is not up" usn show usn0
	usn down usn1 usn2
	no_device usn1
	no_device usn2
	[ "$(bpftool -j map dump pinned /sys/fs/bpf/usn/maps/devices)" = "[]" ]
	[ "$(bpftool -j map dump pinned /sys/fs/bpf/usn/maps/counters)" = "[]" ]
	# It can come again, as it was.
	usn up usn0
	[ "$(addresses usn0)" = "10.64.0.1/24 fd75:736e::1/64" ]
}

@test "down: refused while a run uses it; --force takes it" { in_sandbox down_in_use; }
down_in_use() {
	usn up usn0 usn1 Peer=echo
	mkfifo "$TMP/in" "$TMP/out"
	usn-run ND=usn0 -- python3 -c '
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(("10.64.0.2", 7))
print("ready", flush=True)
for line in sys.stdin:
    try:
        if line.startswith("old"):
            s.send(b"x")
        else:
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        print("good", flush=True)
    except OSError as e:
        print("refused", flush=True)
' <"$TMP/in" >"$TMP/out" &
	exec 8>"$TMP/in" 9<"$TMP/out"
	read -r answer <&9
	run=$(show usn0 'd["runs"][0]["name"]')
	fails 1 "usn0 is in use by $run" usn down usn0
	usn down usn1
	# Refused means that it goes on.
	for what in old new; do
		echo $what >&8
		read -r answer <&9
		[ "$answer" = good ]
	done
	usn down --force usn0
	no_device usn0
	# Neither its sockets nor new ones go elsewhere.
	for what in old new; do
		echo $what >&8
		read -r answer <&9
		[ "$answer" = refused ]
	done
	# The run ends as every run does.
	exec 8>&-
	wait
	eventually sh -c "! [ -d '$(cgroup_tree)/usn/$run' ]"
}

@test "down: -f is --force" { in_sandbox force_short; }
force_short() {
	usn up usn0
	usn-run ND=usn0 -- sleep 60 &
	eventually show_is usn0 'len(d["runs"]) == 1'
	usn down -f usn0
	no_device usn0
}

@test "list and show: text and JSON say what there is" { in_sandbox listed; }
listed() {
	[ -z "$(usn list)" ]
	[ "$(usn list --json | value 'd')" = "{'devices': []}" ]
	usn up usn2 usn10 usn1 Peer=echo
	# By number, not by name.
	[ "$(usn list | cut -d' ' -f1 | paste -sd' ')" = "usn1 usn2 usn10" ]
	usn list | grep -E '^usn1 up (10\.64\.1\.1/24 fd75:736e:0:1::1/64|fd75:736e:0:1::1/64 10\.64\.1\.1/24) peer echo out [0-9]+ in [0-9]+ dropped 0$'
	[ "$(usn list -j | value 'd["devices"]')" = "$(usn list --json | value 'd["devices"]')" ]
	[ "$(usn list --json | value 'd["devices"][2]["name"]')" = usn10 ]
	[ "$(show usn10 'd["ifindex"]')" = "$(link usn10 ifindex)" ]
	usn-run ND=usn2 -- sleep 60 &
	eventually show_is usn2 'd["runs"] and d["runs"][0]["processes"][0]["command"] == "sleep"'
	usn list | grep -A1 '^usn2 ' | grep -E "^  run usn2-[0-9]+ .*$!"
	usn show usn2 >"$TMP/show"
	grep -E "^  run usn2-[0-9]+ .*$!" "$TMP/show"
	for word in state ifindex mtu addresses behind peer out in sockets; do
		grep -q "^  $word " "$TMP/show"
	done
	# A run stands with its own device only.
	[ "$(usn list | grep -c '^  run')" = 1 ]
	[ "$(show usn1 'd["runs"]')" = "[]" ]
}

@test "a device survives its agent, with index, addresses and routes" { in_sandbox survives_agent; }
survives_agent() {
	usn up usn0 Peer=echo MTU=1400 Address=192.0.2.1/24 Address=2001:db8::1/64
	before=$(ip -json addr show usn0 | value '[d[0][k] for k in ("ifindex", "mtu", "addr_info", "flags")]')
	index=$(link usn0 ifindex)
	routes=$(ip -6 route)
	for signal in TERM KILL; do
		agent=$(agent_pid)
		end_agent $signal
		# Without an agent the device is there; nobody is behind it.
		[ "$(link usn0 ifindex)" = "$index" ]
		[ "$(addresses usn0)" = "192.0.2.1/24 2001:db8::1/64" ]
		not ping -n -q -c 1 -W 0.2 -I usn0 192.0.2.2
		# The next one takes it as it is.
		[ "$(show usn0 'd["mtu"], d["peer"]')" = "(1400, 'echo')" ]
		[ "$(agent_pid)" != "$agent" ]
		[ "$(show usn0 '" ".join(sorted(d["addresses"]))')" = "192.0.2.1/24 2001:db8::1/64" ]
		ping_from usn0 192.0.2.2
		ping_from usn0 2001:db8::2
		usn up usn0 Peer=echo MTU=1400 Address=192.0.2.1/24 Address=2001:db8::1/64
		fails 1 "already with different MTU=" usn up usn0 Peer=echo Address=192.0.2.1/24 Address=2001:db8::1/64
	done
	# The flags of the interface tell whether the agent holds its queue: LOWER_UP.
	[ "$(ip -json addr show usn0 | value '[d[0][k] for k in ("ifindex", "mtu", "addr_info", "flags")]')" = "$before" ]
	[ "$(ip -6 route)" = "$routes" ]
}

@test "link-local addresses survive the agent like all others" { in_sandbox link_local_survives; }
link_local_survives() {
	usn up usn0 Address=fe80::5/64 Address=169.254.7.1/16
	[ "$(addresses usn0)" = "169.254.7.1/16 fe80::5/64" ]
	end_agent KILL
	[ "$(show usn0 '" ".join(sorted(d["addresses"]))')" = "169.254.7.1/16 fe80::5/64" ]
	usn up usn0 Address=fe80::5/64 Address=169.254.7.1/16
}

@test "what is sent into a device while there is no agent is dropped" { in_sandbox keeps_queue_in_restart; }
keeps_queue_in_restart() {
	usn up usn0 Peer=none Address=10.64.0.1/24
	end_agent KILL
	# The kernel has no carrier for a queue that nobody holds: what is sent meanwhile is dropped, not kept.
	not ping -n -q -c 3 -i 0.002 -W 0.1 -I usn0 10.64.0.2
	[ "$(show usn0 'd["peer_read"]')" = 0 ]
	not ping_from usn0 10.64.0.2
	eventually show_is usn0 'd["peer_read"] == 1'
}
