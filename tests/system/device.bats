#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Devices: what usn up makes of them, who answers behind them, what is counted, and how they end.

load lib

# The addresses that the kernel has for an interface, sorted, on one line.
addresses() {
	ip -json addr show dev "$1" |
		value '" ".join(sorted("%s/%d" % (a["local"], a["prefixlen"]) for a in d[0]["addr_info"]))'
}

link() {
	ip -json -details link show dev "$1" | value "d[0][\"$2\"]"
}

sysctl_of() {
	cat "/proc/sys/net/$1"
}

# answered DEVICE PROBE...: sends all probes from one run; prints those that were answered. A probe is ping:ADDRESS or
# PORT:ADDRESS. The peer answers in order, so what is not answered before the first one's second time has no answer.
answered() {
	usn-run "ND=$1" -- python3 - "${@:2}" <<-'END'
		import select, socket, struct, sys
		def checksum(b):
		    n = sum(struct.unpack("!%dH" % (len(b) // 2), b))
		    n = (n & 0xffff) + (n >> 16)
		    return ~(n + (n >> 16)) & 0xffff
		def probe(number, text):
		    kind, address = text.split(":", 1)
		    v6 = ":" in address
		    family = socket.AF_INET6 if v6 else socket.AF_INET
		    if kind != "ping":
		        s = socket.socket(family, socket.SOCK_DGRAM)
		        s.connect((address, int(kind)))
		        s.send(b"%d" % number)
		        return s
		    s = socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_ICMPV6 if v6 else socket.IPPROTO_ICMP)
		    s.connect((address, 0))
		    p = struct.pack("!BBHHH", 128 if v6 else 8, 0, 0, number, 1)
		    if not v6: # the kernel has done it for v6
		        p = p[:2] + struct.pack("!H", checksum(p)) + p[4:]
		    s.send(p)
		    return s
		def has_answer(s, text, wait):
		    # Until connect() a raw socket hears the answers of all others, too.
		    while select.select([s], [], [], wait)[0]:
		        data, peer = s.recvfrom(1000)
		        if peer[0] == text.split(":", 1)[1]:
		            return bool(data)
		    return False
		probes = [(text, probe(n, text)) for n, text in enumerate(sys.argv[1:])]
		first = probe(9999, sys.argv[1])
		has_answer(first, sys.argv[1], 5)
		print(" ".join(text for text, s in probes if has_answer(s, text, 0)))
	END
}

# ping_from DEVICE ADDRESS [OPTION]...: one ping from a run. 0: it was answered.
ping_from() {
	usn-run "ND=$1" -- ping -n -q -c 1 -W 0.2 "${@:3}" "$2" >/dev/null
}

# send_many DEVICE COUNT ADDRESS: as many datagrams of 100 bytes, to a port that nobody answers at.
send_many() {
	usn-run "ND=$1" -- python3 -c '
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(int(sys.argv[1])):
    s.sendto(b"x" * 100, (sys.argv[2], 9))' "$2" "$3"
}

default_addresses() {
	usn up usn0 usn1 usn255 usn256 usn4095
	[ "$(addresses usn0)" = "10.64.0.1/24 fd75:736e::1/64" ]
	[ "$(addresses usn1)" = "10.64.1.1/24 fd75:736e:0:1::1/64" ]
	[ "$(addresses usn255)" = "10.64.255.1/24 fd75:736e:0:ff::1/64" ]
	[ "$(addresses usn256)" = "10.65.0.1/24 fd75:736e:0:100::1/64" ]
	[ "$(addresses usn4095)" = "10.79.255.1/24 fd75:736e:0:fff::1/64" ]
	# And what is said of them is what there is.
	[ "$(show usn256 '" ".join(sorted(d["addresses"]))')" = "$(addresses usn256)" ]
	[ "$(link usn0 mtu)" = 1500 ]
	[ "$(show usn0 'd["mtu"], d["up"], d["peer"]')" = "(1500, True, 'none')" ]
	[ "$(show usn0 'd["ifindex"]')" = "$(link usn0 ifindex)" ]
}
@test "up: the default addresses are the documented ones" { in_sandbox default_addresses; }

own_settings() {
	usn up usn0 Address=192.0.2.1/24 Address=192.0.2.9/24 Address=198.51.100.1/31 Address=2001:db8::1/48 MTU=1400 Peer=echo
	[ "$(addresses usn0)" = "192.0.2.1/24 192.0.2.9/24 198.51.100.1/31 2001:db8::1/48" ]
	[ "$(link usn0 mtu)" = 1400 ]
	[ "$(show usn0 'd["peer"]')" = echo ]
	usn up usn1 Address=192.0.3.1/32 Address=2001:db8:1::1/128
	[ "$(addresses usn1)" = "192.0.3.1/32 2001:db8:1::1/128" ]
}
@test "up: Address= any number of times, MTU=, Peer=" { in_sandbox own_settings; }

many_addresses() {
	local list=() i
	for i in {1..64}; do
		list+=("Address=2001:db8:$i::1/64")
	done
	usn up usn0 "${list[@]}"
	[ "$(addresses usn0 | wc -w)" = 64 ]
	fails 1 "at most 64 addresses" usn up usn1 "${list[@]}" Address=192.0.2.1/24
	no_device usn1
	# An agent that reads them back finds all, so the same settings are still the same.
	end_agent KILL
	usn up usn0 "${list[@]}"
	[ "$(show usn0 'len(d["addresses"])')" = 64 ]
}
@test "up: 64 addresses on a device, and not one more" { in_sandbox many_addresses; }

mtu_bounds() {
	usn up usn0 MTU=65535 Peer=echo
	[ "$(link usn0 mtu)" = 65535 ]
	usn-run ND=usn0 -- ping -n -q -c 1 -s 65000 10.64.0.2
	usn-run ND=usn0 -- ping -n -q -c 1 -s 65000 fd75:736e::2
	usn up usn1 MTU=1280
	[ "$(link usn1 mtu)" = 1280 ]
	usn up usn2 MTU=68 Address=192.0.2.1/24 Peer=echo
	[ "$(link usn2 mtu)" = 68 ]
	# In fragments.
	usn-run ND=usn2 -- ping -n -q -c 1 -s 100 192.0.2.2
	[ "$(show usn2 'd["out"]["packets"]')" -gt 1 ]
}
@test "up: MTU= from 68 to 65535, and packets as long" { in_sandbox mtu_bounds; }

echo_answers() {
	usn up usn0 Peer=echo Address=10.64.0.1/24 Address=198.51.100.9/30 Address=fd75:736e::1/64
	ours=()
	for a in 10.64.0.2 10.64.0.77 10.64.0.254 198.51.100.10 fd75:736e::2 fd75:736e::ffff:ffff:ffff:ffff; do
		ours+=("ping:$a" "7:$a")
	done
	# Not for an address of another network, nor at another port.
	others=()
	for a in 10.64.1.2 10.63.255.255 198.51.100.13 198.51.100.7 192.0.2.1 fd75:736e:0:1::2 2001:db8::1; do
		others+=("ping:$a" "7:$a")
	done
	for port in 1 6 8 9 53 1792; do
		others+=("$port:10.64.0.2" "$port:fd75:736e::2")
	done
	[ "$(answered usn0 "${ours[@]}" "${others[@]}")" = "${ours[*]}" ]
	[ "$(show usn0 'd["peer_failed"]')" = 0 ]
}
@test "Peer=echo answers ICMP, ICMPv6 and UDP port 7 for its networks, and nothing else" { in_sandbox echo_answers; }

none_is_silent() {
	usn up usn0 Peer=none
	for a in 10.64.0.2 fd75:736e::2; do
		not ping_from usn0 "$a"
	done
	send_many usn0 3 10.64.0.2
	# It reads what nobody wants, and counts it.
	eventually show_is usn0 'd["out"]["packets"] >= 5 and d["peer_read"] == d["out"]["packets"]'
	[ "$(show usn0 'd["peer_answered"], d["in"]["packets"]')" = "(0, 0)" ]
}
@test "Peer=none reads and counts, and answers nothing" { in_sandbox none_is_silent; }

routing() {
	ip tuntap add dev other mode tap
	ip addr add 203.0.113.1/24 dev other
	ip addr add 2001:db8:5::1/64 dev other nodad
	ip link set other up
	usn up usn0 usn7
	for d in usn0 usn7; do
		[ "$(sysctl_of "ipv4/conf/$d/rp_filter")" = 0 ]
		[ "$(sysctl_of "ipv4/conf/$d/accept_local")" = 1 ]
	done
	# The values of others stay.
	[ "$(sysctl_of ipv4/conf/other/accept_local)" = 0 ]
	[ "$(sysctl_of ipv4/conf/all/accept_local)" = 0 ]
	ip -6 -json route show default | value 'sorted((r["dev"], r["metric"]) for r in d if r["dev"] != "lo")' >"$TMP/routes"
	[ "$(cat "$TMP/routes")" = "[('usn0', 4294901760), ('usn7', 4294901767)]" ]
	# No v4 route to anywhere: the bind needs none.
	[ -z "$(ip route show default)" ]

	# A program that is in no run is not drawn onto a device, on a host without a default route ...
	not ip -6 route get 2001:db8:9::1
	# ... or with one of its own.
	ip -6 route add default dev other metric 1024
	[ "$(ip -6 -json route get 2001:db8:9::1 | value 'd[0]["dev"]')" = other ]
	[ "$(ip -6 -json route get 2001:db8:9::1 oif usn7 | value 'd[0]["dev"]')" = usn7 ]
	# A run is on its device for every address.
	before=$(show usn7 'd["out"]["packets"]')
	not ping_from usn7 2001:db8:9::1
	not ping_from usn7 192.0.2.55
	[ "$(show usn7 'd["out"]["packets"]')" -ge $((before + 2)) ]

	# All of it goes with the device.
	usn down usn0
	ip -6 route show default | has throw
	usn down usn7
	[ "$(ip -6 -json route show default | value '[r["dev"] for r in d]')" = "['other']" ]
}
@test "up: rp_filter, accept_local, and a v6 default route that loses to every other" { in_sandbox routing; }

answers_from_anywhere() {
	# The reply's source has no route back by the device: only with rp_filter off does it come in.
	usn up usn0
	usn rig usn0 -- python3 -c '
import os
while True:
    p = bytearray(os.read(3, 65536))
    if p[0] >> 4 == 4 and p[9] == 17:
        p[12:16], p[16:20], p[20:22], p[22:24] = p[16:20], p[12:16], p[22:24], p[20:22]
        os.write(3, p)' &
	eventually show_is usn0 '"rig" in d and d["rig"]["command"] == "python3"'
	[ "$(answered usn0 4242:203.0.113.99)" = 4242:203.0.113.99 ]
}
@test "a reply from an address that no route leads to comes in" { in_sandbox answers_from_anywhere; }

idempotent() {
	usn up usn0 Peer=echo MTU=1400
	index=$(link usn0 ifindex)
	usn up usn0 Peer=echo MTU=1400
	usn up usn0 usn0 Peer=echo MTU=1400
	[ "$(link usn0 ifindex)" = "$index" ]
	# The order of addresses says nothing.
	usn up usn1 Address=192.0.2.1/24 Address=192.0.3.1/24
	usn up usn1 Address=192.0.3.1/24 Address=192.0.2.1/24

	fails 1 "usn0 is up already with different MTU=" usn up usn0 Peer=echo
	fails 1 "usn0 is up already with different Peer=" usn up usn0 MTU=1400
	fails 1 "addresses: usn down usn0 first" usn up usn0 Peer=echo MTU=1400 Address=192.0.9.1/24
	fails 1 "addresses: usn down usn1 first" usn up usn1 Address=192.0.2.1/24
	fails 1 "addresses: usn down usn1 first" usn up usn1 Address=192.0.2.1/25 Address=192.0.3.1/24
	# Nothing was changed by asking.
	[ "$(link usn0 ifindex)" = "$index" ]
	[ "$(show usn0 'd["mtu"], d["peer"]')" = "(1400, 'echo')" ]
	[ "$(addresses usn1)" = "192.0.2.1/24 192.0.3.1/24" ]
}
@test "up: again with the same settings changes nothing, with others is an error" { in_sandbox idempotent; }

up_again_after_link_down() {
	usn up usn0 Peer=echo
	ip link set usn0 down
	[ "$(show usn0 'd["up"]')" = False ]
	usn list | grep '^usn0 DOWN'
	fails 125 "usn0 was taken down" usn-run ND=usn0 -- true
	# Success is a device that is up, with all of its settings.
	if usn up usn0 Peer=echo; then
		[ "$(show usn0 'd["up"]')" = True ]
		[ "$(addresses usn0)" = "10.64.0.1/24 fd75:736e::1/64" ]
		ping_from usn0 10.64.0.2
		ping_from usn0 fd75:736e::2
	fi
}
@test "up: after 'ip link set down' says so or takes it up again" { in_sandbox up_again_after_link_down; }

link_down_and_up() {
	usn up usn0 Peer=echo
	ip link set usn0 down
	ip link set usn0 up
	ping_from usn0 10.64.0.2
}
@test "a device that somebody takes down and up goes on" { in_sandbox link_down_and_up; }

config_file() {
	mkdir -p /etc/usn
	printf '[Device]\nAddress=192.0.2.1/24\nAddress=2001:db8::1/64\nMTU=1400\nPeer=echo\n' >/etc/usn/usn0.conf
	usn up usn0 usn1
	[ "$(addresses usn0)" = "192.0.2.1/24 2001:db8::1/64" ]
	[ "$(show usn0 'd["mtu"], d["peer"]')" = "(1400, 'echo')" ]
	# It is the file of one device only.
	[ "$(addresses usn1)" = "10.64.1.1/24 fd75:736e:0:1::1/64" ]
	usn down usn0
	# The command line wins, key by key; its addresses replace all.
	usn up usn0 MTU=1300 Address=198.51.100.1/24
	[ "$(addresses usn0)" = "198.51.100.1/24" ]
	[ "$(show usn0 'd["mtu"], d["peer"]')" = "(1300, 'echo')" ]
	usn down usn0
	# No file, the defaults.
	rm /etc/usn/usn0.conf
	usn up usn0
	[ "$(show usn0 'd["mtu"], d["peer"]')" = "(1500, 'none')" ]
	# A file that says nothing is as good as none.
	printf '# nothing\n' >/etc/usn/usn2.conf
	usn up usn2
	[ "$(addresses usn2)" = "10.64.2.1/24 fd75:736e:0:2::1/64" ]
}
@test "/etc/usn/usn0.conf is used, and the command line wins" { in_sandbox config_file; }

example_file() {
	mkdir -p /etc/usn
	cp "$ROOT/systemd/usn0.conf" /etc/usn/usn0.conf
	usn up usn0
	# Its addresses and MTU are said to be the default ones.
	[ "$(addresses usn0)" = "10.64.0.1/24 fd75:736e::1/64" ]
	[ "$(show usn0 'd["mtu"], d["peer"]')" = "(1500, 'echo')" ]
}
@test "the example file does what it says" { in_sandbox example_file; }

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
@test "down: the device is gone, with all that was kept of it" { in_sandbox down; }

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
@test "down: refused while a run uses it; --force takes it" { in_sandbox down_in_use; }

force_short() {
	usn up usn0
	usn-run ND=usn0 -- sleep 60 &
	eventually show_is usn0 'len(d["runs"]) == 1'
	usn down -f usn0
	no_device usn0
}
@test "down: -f is --force" { in_sandbox force_short; }

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
@test "list and show: text and JSON say what there is" { in_sandbox listed; }

# What the agent says and what the interface says, both ways.
counters_agree() {
	local kernel
	kernel=$(ip -s -json link show usn0 | value '[[d[0]["stats64"][w][k] for k in ("packets", "bytes")] for w in ("tx", "rx")]')
	[ "$(show usn0 '[[d[w][k] for k in ("packets", "bytes")] for w in ("out", "in")]')" = "$kernel" ]
}

counters() {
	usn up usn0 Peer=echo Address=10.64.0.1/24
	usn-run ND=usn0 -- ping -n -q -c 5 -i 0.002 -s 100 10.64.0.2
	counters_agree
	# 100 bytes with 20 of IP and 8 of ICMP.
	[ "$(show usn0 'd["out"]')" = "{'packets': 5, 'bytes': 640, 'dropped': 0}" ]
	[ "$(show usn0 'd["in"]')" = "{'packets': 5, 'bytes': 640, 'dropped': 0}" ]
	[ "$(show usn0 'd["peer_read"], d["peer_answered"], d["peer_failed"]')" = "(5, 5, 0)" ]
	send_many usn0 7 10.64.0.2
	eventually show_is usn0 'd["peer_read"] == 12'
	counters_agree
	[ "$(show usn0 'd["out"]["packets"], d["in"]["packets"], d["peer_answered"]')" = "(12, 5, 5)" ]
	[ "$(show usn0 'd["verdicts"]["bound"]')" -ge 2 ]
}
@test "counters: packets and bytes each way are the interface's" { in_sandbox counters; }

silent_drops() {
	usn up usn0 Address=10.64.0.1/24 MTU=1200
	agent=$(agent_pid)
	mkfifo "$TMP/go"
	usn-run ND=usn0 -- python3 -c '
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for line in open(sys.argv[1]):
    for i in range(int(line)):
        s.sendto(b"x" * 100, ("10.64.0.2", 9))
    open(sys.argv[2], "w").write(line)' "$TMP/go" "$TMP/done" &
	exec 8>"$TMP/go"
	# What the queue has room for is not lost.
	kill -STOP "$agent"
	echo 4000 >&8
	eventually grep -qx 4000 "$TMP/done"
	kill -CONT "$agent"
	eventually show_is usn0 'd["peer_read"] == 4000'
	[ "$(show usn0 'd["out"]["dropped"], d["out"]["packets"]')" = "(0, 4000)" ]
	# What it has not was sent for its sender, too: the count of drops is the only one to know.
	kill -STOP "$agent"
	echo 9000 >&8
	eventually grep -qx 9000 "$TMP/done"
	kill -CONT "$agent"
	eventually show_is usn0 'd["peer_read"] + d["out"]["dropped"] == 13000'
	[ "$(show usn0 'd["out"]["dropped"]')" -gt 0 ]
	[ "$(show usn0 'd["peer_read"]')" -ge 8096 ]
	[ "$(usn list | sed -n 's/^usn0 .*dropped //p')" = "$(show usn0 'd["out"]["dropped"]')" ]
	usn show usn0 | grep -E "^  out .* $(show usn0 'd["out"]["dropped"]') dropped"
}
@test "counters: a full queue's silent drops are counted to the packet" { in_sandbox silent_drops; }

twenty_at_once() {
	usn up usn{0..19}
	[ "$(usn list | wc -l)" = 20 ]
	usn down usn{0..19}
	[ -z "$(usn list)" ]
	# And by twenty commands at a time.
	pids=()
	for i in {0..19}; do
		usn up "usn$i" Peer=echo &
		pids+=($!)
	done
	for p in "${pids[@]}"; do
		wait "$p"
	done
	[ "$(usn list --json | value '[int(x["name"][3:]) for x in d["devices"]] == list(range(20))')" = True ]
	# No two of them have an address in common, or in the other's network.
	ip -json addr | value '[(x, y) for n in [[(i["ifname"], __import__("ipaddress").ip_interface("%s/%d" % (a["local"], a["prefixlen"])).network) for i in d if i["ifname"] != "lo" for a in i["addr_info"]]] for x in n for y in n if x[0] < y[0] and x[1].version == y[1].version and x[1].overlaps(y[1])]' >"$TMP/clashes"
	[ "$(cat "$TMP/clashes")" = "[]" ]
	for i in 0 7 19; do
		ping_from "usn$i" "10.64.$i.2"
		# To the network of another device it goes by its own, where nobody answers for that.
		not ping_from "usn$i" "10.64.$((i + 1)).2"
	done
}
@test "up: twenty devices at once, and their networks are apart" { in_sandbox twenty_at_once; }

more_than_descriptors() {
	ulimit -Sn 40
	usn up usn{0..59}
	[ "$(usn list | wc -l)" = 60 ]
}
@test "up: more devices than the soft limit of descriptors that the agent was born with" { in_sandbox more_than_descriptors; }

rp_filter_warning() {
	sysctl_of ipv4/conf/all/rp_filter | has -x 0 || echo 0 >/proc/sys/net/ipv4/conf/all/rp_filter
	usn up usn0 2>"$TMP/quiet"
	[ ! -s "$TMP/quiet" ]
	for value in 1 2; do
		echo $value >/proc/sys/net/ipv4/conf/all/rp_filter
		usn up usn1 usn2 2>"$TMP/warning"
		# Once, however many devices.
		[ "$(wc -l <"$TMP/warning")" = 1 ]
		grep -q "net.ipv4.conf.all.rp_filter is $value" "$TMP/warning"
		usn down usn1 usn2
	done
}
@test "up: warns of net.ipv4.conf.all.rp_filter, and only then" { in_sandbox rp_filter_warning; }

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
@test "a device survives its agent, with index, addresses and routes" { in_sandbox survives_agent; }

link_local_survives() {
	usn up usn0 Address=fe80::5/64 Address=169.254.7.1/16
	[ "$(addresses usn0)" = "169.254.7.1/16 fe80::5/64" ]
	end_agent KILL
	[ "$(show usn0 '" ".join(sorted(d["addresses"]))')" = "169.254.7.1/16 fe80::5/64" ]
	usn up usn0 Address=fe80::5/64 Address=169.254.7.1/16
}
@test "link-local addresses survive the agent like all others" { in_sandbox link_local_survives; }

keeps_queue_in_restart() {
	usn up usn0 Peer=none Address=10.64.0.1/24
	end_agent KILL
	# The kernel has no carrier for a queue that nobody holds: what is sent meanwhile is dropped, not kept.
	not ping -n -q -c 3 -i 0.002 -W 0.1 -I usn0 10.64.0.2
	[ "$(show usn0 'd["peer_read"]')" = 0 ]
	not ping_from usn0 10.64.0.2
	eventually show_is usn0 'd["peer_read"] == 1'
}
@test "what is sent into a device while there is no agent is dropped" { in_sandbox keeps_queue_in_restart; }

two_on_one_wire() {
	# A rig that passes packets on joins two devices of one host; accept_local makes that possible.
	usn up usn0 usn1
	cat >"$TMP/wire.py" <<-'END'
		import os, select, sys
		a, b = 3, int(sys.argv[1])
		while True:
		    for fd in select.select([a, b], [], [])[0]:
		        os.write(b if fd == a else a, os.read(fd, 65536))
	END
	usn rig usn0 -- bash -c 'exec 7<&3; exec usn rig usn1 -- python3 "$0" 7' "$TMP/wire.py" &
	eventually show_is usn1 '"rig" in d and d["rig"]["command"] == "python3"'
	# Server and client are runs on either side.
	usn-run ND=usn1 -- python3 -c '
import os, socket, sys
s = socket.create_server(("10.64.1.1", 0))
open(sys.argv[1] + ".new", "w").write(str(s.getsockname()[1]))
os.rename(sys.argv[1] + ".new", sys.argv[1])
c, peer = s.accept()
c.sendall(peer[0].encode())' "$TMP/port" &
	eventually test -e "$TMP/port"
	[ "$(usn-run ND=usn0 -- python3 -c '
import socket, sys
print(socket.create_connection(("10.64.1.1", int(sys.argv[1])), 5).recv(100).decode())' "$(cat "$TMP/port")")" = 10.64.0.1 ]
	# The packets went over the wire, not through the host.
	[ "$(show usn0 'd["out"]["packets"]')" -ge 3 ]
	[ "$(show usn1 'd["in"]["packets"]')" -ge 3 ]
}
@test "two devices of one host talk through a rig that joins them" { in_sandbox two_on_one_wire; }
