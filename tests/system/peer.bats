#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Who answers behind a device, and what is counted there.

load lib

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

# send_many DEVICE COUNT ADDRESS: as many datagrams of 100 bytes, to a port that nobody answers at.
send_many() {
	usn-run "ND=$1" -- python3 -c '
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(int(sys.argv[1])):
    s.sendto(b"x" * 100, (sys.argv[2], 9))' "$2" "$3"
}

@test "Peer=echo answers ICMP, ICMPv6 and UDP port 7 for its networks, and nothing else" { in_sandbox echo_answers; }
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

@test "Peer=none reads and counts, and answers nothing" { in_sandbox none_is_silent; }
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

@test "a reply from an address that no route leads to comes in" { in_sandbox answers_from_anywhere; }
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

@test "two devices of one host talk through a rig that joins them" { in_sandbox two_on_one_wire; }
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

# What the agent says and what the interface says, both ways.
counters_agree() {
	local kernel
	kernel=$(ip -s -json link show usn0 | value '[[d[0]["stats64"][w][k] for k in ("packets", "bytes")] for w in ("tx", "rx")]')
	[ "$(show usn0 '[[d[w][k] for k in ("packets", "bytes")] for w in ("out", "in")]')" = "$kernel" ]
}

@test "counters: packets and bytes each way are the interface's" { in_sandbox counters; }
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

@test "counters: a full queue's silent drops are counted to the packet" { in_sandbox silent_drops; }
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
