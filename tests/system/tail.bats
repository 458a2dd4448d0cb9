#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# usn tail: what it shows and writes, and how it begins and ends.

load lib
load ../helpers/net
load ../helpers/tap

# 4 + 4 + 4 + 4 + 2 packets: ICMP, ICMPv6, UDP both ways; and TCP that nobody answers.
traffic() {
	usn-run ND=usn0 -- ping -q -c 2 -i 0.01 -W 5 10.64.0.2
	usn-run ND=usn0 -- ping -q -c 2 -i 0.01 -W 5 fd75:736e::2
	steps app usn-run ND=usn0 --
	for to in V4,10.64.0.2 V6,fd75:736e::2; do
		expect app ok "s = make(${to%,*}, UDP); s.connect(('${to#*,}', 7))"
		for size in 1 1300; do
			expect app $size "s.send(b'x' * $size)"
			expect app $size 'len(s.recv(9999))'
		done
		expect app ok "s = make(${to%,*}, TCP)"
		expect app ok "try_connect(s, '${to#*,}', 9)"
		expect app ok 's.close()'
	done
}

PACKETS=18
export PACKETS

# Which packets they are, in order.
fields() {
	tshark -n -r "$1" -Y 'tcp or udp or icmp or icmpv6.type == 128 or icmpv6.type == 129' -T fields \
		-e ip.src -e ipv6.src -e ip.dst -e ipv6.dst -e ip.id -e ip.proto -e ipv6.nxt -e ip.ttl -e frame.len \
		-e icmp.seq -e icmpv6.echo.sequence_number -e udp.srcport -e udp.dstport \
		-e tcp.srcport -e tcp.dstport -e tcp.seq_raw -e tcp.flags -e tcp.len 2>/dev/null
}

@test "tail: sees the packets that tcpdump sees, with nanoseconds" { in_sandbox same_packets; }
same_packets() {
	usn up usn0 Peer=echo
	tap file -w "$TMP/tail" usn0
	record "$TMP/tcpdump"
	before=$(date +%s.%N)
	traffic
	eventually records "$TMP/tcpdump" $PACKETS
	end file
	after=$(date +%s.%N)
	fields "$TMP/tcpdump" >"$TMP/want"
	fields "$TMP/tail" >"$TMP/got"
	[ "$(wc -l <"$TMP/want")" = $PACKETS ]
	diff "$TMP/want" "$TMP/got"

	# Nanoseconds, in order, of the time of this test.
	tshark -n -r "$TMP/tail" -Y 'ip or ipv6' -T fields -e frame.time_epoch 2>/dev/null >"$TMP/times"
	not grep -vxE '[0-9]+\.[0-9]{9}' "$TMP/times"
	grep -qv '000$' "$TMP/times"
	sort -c -n "$TMP/times"
	{ echo "$before"; cat "$TMP/times"; echo "$after"; } | sort -c -n

	capinfos -M "$TMP/tail" >"$TMP/capinfos" 2>"$TMP/capinfos.err"
	[ ! -s "$TMP/capinfos.err" ]
	grep -q '^File type: .*pcapng' "$TMP/capinfos"
	grep -q '^File timestamp precision: *nanoseconds (9)' "$TMP/capinfos"
	grep -qE "^Number of packets: *$(seen file)\$" "$TMP/capinfos"
	[ "$(lost file)" = 0 ]
}

@test "tail: sees them byte for byte" { in_sandbox same_bytes; }
same_bytes() {
	usn up usn0 Peer=echo
	tap file -w "$TMP/tail" usn0
	record "$TMP/tcpdump"
	traffic
	eventually records "$TMP/tcpdump" $PACKETS
	end file
	# The checksums of outgoing TCP are not computed yet where a tap looks (usn(8), LIMITS).
	tcpdump -r "$TMP/tcpdump" -ntx "not tcp" >"$TMP/want"
	tcpdump -r "$TMP/tail" -ntx "($TRAFFIC) and not tcp" >"$TMP/got"
	[ "$(wc -l <"$TMP/want")" -gt 20 ]
	diff "$TMP/want" "$TMP/got"
}

@test "tail: sees the packets of a TCP transfer that tcpdump sees" { in_sandbox same_bulk; }
same_bulk() {
	joined
	page=http://10.64.1.1:$(web 10.64.1.1)/300000
	tap file -w "$TMP/tail" usn1
	record "$TMP/tcpdump" 1
	[ "$(usn-run ND=usn0 -- curl -sS "$page" | wc -c)" = 300000 ]
	# Both sides' FINs, and the last acknowledgement.
	eventually sh -c "[ \$(tcpdump -r '$TMP/tcpdump' -n 'tcp[tcpflags] & tcp-fin != 0' 2>/dev/null | wc -l) -ge 2 ]"
	eventually sh -c '[ -z "$(ss -Htn state established state fin-wait-1 state fin-wait-2 state last-ack)" ]'
	end file
	[ "$(lost file)" = 0 ]
	for from in 10.64.0.1 10.64.1.1; do
		fields "$TMP/tcpdump" | grep "^$from" >"$TMP/want"
		fields "$TMP/tail" | grep "^$from" >"$TMP/got"
		diff "$TMP/want" "$TMP/got"
	done
}

@test "tail: a send in segments is one packet, whole" { in_sandbox one_send_in_segments; }
one_send_in_segments() {
	usn up usn0
	tap file -w "$TMP/tail" usn0
	record "$TMP/tcpdump"
	steps app usn-run ND=usn0 --
	expect app ok "s = make(V4, UDP); s.connect(('10.64.0.2', 9))"
	# UDP_SEGMENT: one send, datagrams of 500 bytes. A tap sees the send, as the manual says, and all of it.
	expect app ok 's.setsockopt(IPPROTO_UDP, 103, 500)'
	expect app 1200 "s.send(b'x' * 1200)"
	eventually records "$TMP/tcpdump" 3
	end file
	[ "$(seen file)" = 1 ]
	[ "$(tcpdump -r "$TMP/tail" -nX 2>/dev/null | grep -o x | wc -l)" -ge 1200 ]
}

@test "tail: its lines read as tcpdump's" { in_sandbox wording; }
wording() {
	usn up usn0 Peer=echo
	tap text usn0
	record "$TMP/tcpdump"
	traffic
	eventually records "$TMP/tcpdump" $PACKETS
	end text
	# TCP options and the blank at the line's end are tcpdump's alone.
	tcpdump -r "$TMP/tcpdump" -ntS 2>/dev/null | sed 's/, options \[[^]]*\]//; s/ *$//' >"$TMP/want"
	grep -vE 'ICMP6, (multicast|router|neighbor)' "$TMP/text" >"$TMP/lines"
	sed -E 's/^[0-9:]{8}\.[0-9]{9} usn0 (In |Out) (-|[0-9]+\/[^ ]+) //' "$TMP/lines" >"$TMP/got"
	diff "$TMP/want" "$TMP/got"
	grep -qE "usn0 Out $(pid_of app)/python3 IP 10.64.0.1.[0-9]+ > 10.64.0.2.7: UDP, length 1300\$" "$TMP/lines"
	grep -qE 'usn0 In  [^ ]+ IP 10.64.0.2.7 > 10.64.0.1.[0-9]+: UDP, length 1300$' "$TMP/lines"
}

@test "tail: JSON has the sender's process, and no process where none is known" { in_sandbox owners; }
owners() {
	usn up usn0 Peer=echo
	tap json --json usn0
	usn-run ND=usn0 -- ping -q -c 2 -i 0.01 -W 5 10.64.0.2 &
	ping_pid=$!
	wait $ping_pid
	steps app usn-run ND=usn0 --
	expect app ok "s = make(V6, UDP); s.connect(('fd75:736e::2', 7))"
	expect app 1 "s.send(b'x')"
	expect app 1 'len(s.recv(9))'
	expect app ok 's = make(V4, TCP)'
	expect app ok "try_connect(s, '10.64.0.2', 9)"
	# Outside a run nobody is known.
	ping -q -c 1 -W 5 10.64.0.3
	end json
	python3 - "$TMP/json" $ping_pid "$(pid_of app)" <<-'END'
		import json, sys
		file, ping, app = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
		rows = [json.loads(line) for line in open(file)]
		def of(**want):
		    found = [r for r in rows if all(r.get(k) == v for k, v in want.items())]
		    assert found, want
		    return found
		assert len(of(direction="out", dst="10.64.0.2", proto="icmp", pid=ping, tid=ping, comm="ping")) == 2
		of(direction="out", dst="fd75:736e::2", dport=7, pid=app, comm="python3", length=49, payload=1)
		of(direction="out", dst="10.64.0.2", dport=9, pid=app, comm="python3")
		assert not any("pid" in r or "comm" in r for r in of(dst="10.64.0.3") + of(src="10.64.0.3"))
		assert len(of(direction="in", src="10.64.0.2")) == 2
		assert all(len(r["time"].split(".")[1]) == 9 and r["device"] == "usn0" and r["lost"] == 0 for r in rows)
	END
}

@test "tail: what a server sends on an accepted connection is the server's" { in_sandbox served; }
served() {
	joined
	steps server usn-run ND=usn1 --
	steps client usn-run ND=usn0 --
	tap json --json usn1
	expect server ok "l = listen(V4, TCP, '10.64.1.1')"
	expect client ok 'c = make(V4, TCP)'
	expect client ok "c.connect(('10.64.1.1', $(step server 'port(l)')))"
	expect server ok 's = l.accept()[0]'
	expect server ok "s.sendall(b'hello')"
	expect client "b'hello'" 'c.recv(9)'
	end json
	grep '"payload":5' "$TMP/json" >"$TMP/hello"
	[ "$(value 'd["pid"]' <"$TMP/hello")" = "$(pid_of server)" ]
}

@test "tail: the owner of a packet from outside a run is a dash" { in_sandbox unknown; }
unknown() {
	usn up usn0 Peer=echo
	tap text -c 2 usn0
	ping -q -c 1 -W 5 10.64.0.2
	wait "$(pid_of text)"
	[ "$(grep -cE 'usn0 (Out|In ) - IP .* ICMP echo re' "$TMP/text")" = 2 ]
}

@test "tail: -c ends after exactly so many, -s cuts" { in_sandbox limits; }
limits() {
	quiet
	tap four -c 4 usn0
	tap cut -s 40 -c 6 -w "$TMP/cut.pcapng" usn0
	usn-run ND=usn0 -- ping -q -c 3 -i 0.01 -W 5 10.64.0.2
	wait "$(pid_of four)"
	wait "$(pid_of cut)"
	[ "$(wc -l <"$TMP/four")" = 4 ]
	[ "$(seen four) $(lost four)" = "4 0" ]
	tshark -n -r "$TMP/cut.pcapng" -Y ip -T fields -e frame.len -e frame.cap_len 2>/dev/null | uniq -c >"$TMP/sizes"
	[ "$(xargs <"$TMP/sizes")" = "6 84 40" ]

	tap two -c 2 -w - usn0
	usn-run ND=usn0 -- ping -q -c 3 -i 0.01 -W 5 10.64.0.2
	wait "$(pid_of two)"
	[ "$(tshark -n -r "$TMP/two" -Y icmp 2>/dev/null | wc -l)" = 2 ]
	for wrong in "-c 0" "-c x" "-c -1" "-s 0" "-s 65536" "-w file -j" ""; do
		# shellcheck disable=SC2086
		fails 2 "see --help" usn tail $wrong ${wrong:+usn0}
	done
}

@test "tail: into a pipe" { in_sandbox pipe; }
pipe() {
	quiet
	usn tail -c 4 -w - usn0 2>"$TMP/err" | tshark -l -n -r - -Y icmp -T fields -e icmp.seq >"$TMP/seqs" 2>/dev/null &
	eventually grep -q 'listening on' "$TMP/err"
	usn-run ND=usn0 -- ping -q -c 2 -i 0.01 -W 5 10.64.0.2
	wait $!
	[ "$(xargs <"$TMP/seqs")" = "1 1 2 2" ]
}

@test "tail: interrupted, it ends well and its file is complete" { in_sandbox interrupted; }
interrupted() {
	quiet
	for signal in INT TERM; do
		tap file -w "$TMP/$signal.pcapng" usn0
		tap text usn0
		usn-run ND=usn0 -- ping -q -c 3 -i 0.01 -W 5 10.64.0.2
		end file $signal
		end text $signal
		# What had passed is in it, though nobody waited for it.
		[ "$(seen file) $(lost file)" = "6 0" ]
		capinfos -M "$TMP/$signal.pcapng" | has -E '^Number of packets: *6$'
		[ "$(wc -l <"$TMP/text")" = 6 ]
		[ "$(tail -n 1 "$TMP/text.err")" = "6 packets seen, 0 lost" ]
	done
}

@test "tail: a full disk" { in_sandbox full; }
full() {
	quiet
	fails 1 "No space left" usn tail -w /dev/full usn0
	fails 1 "cannot open" usn tail -w /nowhere/file usn0

	# A disk that fills up on the way: the packets that were said to be safe are in the file.
	mkdir "$TMP/disk"
	mount -t tmpfs -o size=64k tmpfs "$TMP/disk"
	tap file -w "$TMP/disk/file" usn0
	flood 3000
	status=0
	wait "$(pid_of file)" || status=$?
	[ $status = 1 ]
	[ "$(grep -c 'No space left' "$TMP/file.err")" = 1 ]
	safe=$(sed -n 's/.*; \([0-9]*\) packets are safe in it$/\1/p' "$TMP/file.err")
	[ "$safe" -gt 100 ]
	capinfos -M "$TMP/disk/file" >"$TMP/capinfos" 2>"$TMP/capinfos.err"
	[ ! -s "$TMP/capinfos.err" ]
	grep -qE "^Number of packets: *$safe\$" "$TMP/capinfos"

	# Text, as well.
	usn tail -c 1 usn0 >/dev/full 2>"$TMP/text.err" &
	eventually grep -q 'listening on' "$TMP/text.err"
	usn-run ND=usn0 -- ping -q -c 1 -W 5 10.64.0.2
	status=0
	wait $! || status=$?
	[ $status = 1 ]
	grep -q 'cannot write to the standard output: No space left' "$TMP/text.err"
}

@test "tail: a pipe whose reader has gone" { in_sandbox reader_gone; }
reader_gone() {
	quiet
	mkfifo "$TMP/fifo"
	exec 8<>"$TMP/fifo" 9>"$TMP/fifo" 8>&-
	fails 1 "Broken pipe" bash -c 'exec usn tail -w - usn0 >&9'
	exec 9>&-

	# It goes on the way.
	exec 8<>"$TMP/fifo" 9>"$TMP/fifo"
	usn tail -w - usn0 >&9 2>"$TMP/err" 8>&- 9>&- &
	eventually grep -q 'listening on' "$TMP/err"
	# No packet comes that could tell.
	exec 8>&- 9>&-
	status=0
	wait $! || status=$?
	[ $status = 1 ]
	[ "$(grep -c 'Broken pipe' "$TMP/err")" = 1 ]
}

@test "tail: of a device that is not up, and where no agent ever was" { in_sandbox not_up; }
not_up() {
	fails 1 "usn0 is not up" usn tail usn0
	fails 2 "not a device name" usn tail lo
	ip link add usn0 type veth peer name usn1
	fails 1 "no agent was started" usn tail usn0
	ip link del usn0
	usn up usn1
	fails 1 "usn0 is not up" usn tail usn0
	[ ! -e "$TMP/file" ]
	fails 1 "usn0 is not up" usn tail -w "$TMP/file" usn0
	[ ! -e "$TMP/file" ]
}

@test "tail: ends with its device, and has shown all until then" { in_sandbox removed; }
removed() {
	quiet
	tap file -w "$TMP/file" usn0
	tap text usn0
	usn-run ND=usn0 -- ping -q -c 3 -i 0.01 -W 5 10.64.0.2
	usn down usn0
	for name in file text; do
		status=0
		wait "$(pid_of $name)" || status=$?
		[ $status = 1 ]
		[ "$(seen $name) $(lost $name)" = "6 0" ]
		grep -qx 'usn tail: usn0 was removed' "$TMP/$name.err"
	done
	capinfos -M "$TMP/file" | has -E '^Number of packets: *6$'
	[ "$(grep -c ICMP "$TMP/text")" = 6 ]
}

@test "tail: --run shows the packets of one run, out and in, also of a cgroup below" { in_sandbox one_run; }
one_run() {
	usn up usn0 Peer=echo
	mkfifo "$TMP/go"
	# What a run has made below itself is of the run, too: packets out by their socket, and in by the one that gets them.
	usn-run ND=usn0 -- sh -c '
		own='"$(cgroup_tree)"'$(sed -n s/^0:://p /proc/self/cgroup)
		mkdir "$own/below" && echo $$ >"$own/below/cgroup.procs"
		echo "${own##*/}" >"$TMP/run"
		read -r _ <"$TMP/go"
		exec python3 -c "
from socket import *
s = socket(AF_INET, SOCK_DGRAM)
s.settimeout(5)
s.connect((\"10.64.0.2\", 7))
s.send(b\"x\" * 100)
print(len(s.recv(999)))"' &
	eventually test -s "$TMP/run"
	tap both -w "$TMP/both" --run "$(cat "$TMP/run")" usn0
	tap text -c 2 -j --run "$(cat "$TMP/run")" usn0
	usn-run ND=usn0 -- ping -q -c 3 -i 0.01 -W 5 10.64.0.2
	echo >"$TMP/go"
	wait "$(pid_of text)"
	end both
	[ "$(seen both)" = 2 ]
	[ "$(fields "$TMP/both" | grep -c 10.64.0.2)" = 2 ]
}

@test "tail: of a device that is not up, and no file is made" { in_sandbox tail_both_errors; }
tail_both_errors() {
	# Not both with one word.
	status=0
	usn tail eth0 2>"$TMP/err" || status=$?
	[ $status = 2 ] && [ "$(wc -l <"$TMP/err")" = 1 ]
	fails 1 "usn0 is not up" usn tail usn0
	fails 1 "usn0 is not up" usn tail -w "$TMP/file" usn0
	[ ! -e "$TMP/file" ]
}
