#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# usn tail: several devices in one tap, several taps on one device, and what is lost and when it is seen.

load lib
load ../helpers/net
load ../helpers/tap

# Devices on which there is nothing but what the test sends.
quiet_devices() {
	local n
	sysctl -qw net.ipv6.conf.default.disable_ipv6=1
	for n; do
		usn up "$n" Address=10.64."${n#usn}".1/24
	done
}

# What tshark says of the packets of a file. What it takes our datagrams for makes it print blank lines, too.
of_file() {
	local file=$1
	shift
	tshark -n -r "$file" -T fields "$@" 2>/dev/null | grep '[^[:space:]]' || :
}

@test "taps: several devices in one, in order of time, each an interface of the file" { in_sandbox several_devices; }
several_devices() {
	local n
	quiet_devices usn0 usn1 usn2
	tap file -w "$TMP/file" usn0 usn2 usn1
	for n in 1 0 2 1 0 0 2; do
		flood 2 $n
	done
	end file
	same "14 0" "$(seen file) $(lost file)"
	same "usn1 usn1 usn0 usn0 usn2 usn2 usn1 usn1 usn0 usn0 usn0 usn0 usn2 usn2" \
		"$(of_file "$TMP/file" -e frame.interface_name | xargs)"
	of_file "$TMP/file" -e frame.time_epoch >"$TMP/times"
	sort -c -n "$TMP/times"
	capinfos "$TMP/file" | has -E '^Number of interfaces in file: *3$'
}

@test "taps: all devices, those that come and those that go" { in_sandbox all_devices; }
all_devices() {
	quiet_devices usn0 usn1
	tap file -w "$TMP/file" all
	flood 2
	usn down usn0
	eventually grep -qx 'usn tail: usn0 was removed' "$TMP/file.err"
	quiet_devices usn2
	eventually grep -qx 'usn tail: listening on usn2, too' "$TMP/file.err"
	flood 3 2
	flood 1 1
	usn down usn1 usn2
	eventually grep -qx 'usn tail: usn2 was removed' "$TMP/file.err"
	# Nothing is left, and it goes on.
	quiet_devices usn0
	eventually grep -qx 'usn tail: listening on usn0, too' "$TMP/file.err"
	flood 1
	end file
	same "7 0" "$(seen file) $(lost file)"
	same "usn0 usn0 usn2 usn2 usn2 usn1 usn0" "$(of_file "$TMP/file" -e frame.interface_name | xargs)"
	capinfos -M "$TMP/file" >"$TMP/capinfos" 2>"$TMP/capinfos.err"
	[ ! -s "$TMP/capinfos.err" ]
}

@test "taps: ends when the last of its devices goes" { in_sandbox last_goes; }
last_goes() {
	quiet_devices usn0 usn1
	tap text usn0 usn1
	flood 1
	usn down usn0
	eventually grep -qx 'usn tail: usn0 was removed' "$TMP/text.err"
	flood 1 1
	usn down usn1
	status=0
	wait "$(pid_of text)" || status=$?
	same "1 2 0" "$status $(seen text) $(lost text)"
	same 2 "$(wc -l <"$TMP/text")"
}

@test "taps: four on one device see everything" { in_sandbox four_taps; }
four_taps() {
	local name
	quiet_devices usn0
	for name in one two three four; do
		tap $name -w "$TMP/$name.pcapng" usn0
	done
	flood 5000
	for name in one two three four; do
		end $name
		same "5000 0" "$(seen $name) $(lost $name)"
		capinfos -M "$TMP/$name.pcapng" | has -E '^Number of packets: *5000$'
	done
}

@test "taps: sixty on one device; where the kernel takes no more, one is refused" { in_sandbox sixty_taps; }
sixty_taps() {
	local i pids=
	quiet_devices usn0
	for ((i = 0; i < 60; i++)); do
		usn tail -B 64K -c 2 -w /dev/null usn0 2>"$TMP/$i.err" &
		pids="$pids $!"
	done
	for ((i = 0; i < 60; i++)); do
		eventually grep -q 'listening on' "$TMP/$i.err"
	done
	# The kernel takes 64 programs at a place.
	for ((i = 60; i < 64; i++)); do
		usn tail -B 64K -c 2 -w /dev/null usn0 2>"$TMP/$i.err" &
		pids="$pids $!"
		eventually grep -q . "$TMP/$i.err"
	done
	fails 1 "as many taps as the kernel takes" usn tail -B 64K -w /dev/null usn0
	flood 2
	for i in $pids; do
		wait "$i" || :
	done
	for ((i = 0; i < 60; i++)); do
		grep -qx '2 packets seen, 0 lost' "$TMP/$i.err"
	done
}

# The number in each datagram, and the packets that were lost right before it.
gaps() {
	of_file "$1" -e udp.payload -e frame.drop_count | awk '{ print substr($1, 1, 8), $2 + 0 }'
}

grown() { [ "$(of_file "$TMP/file" -e frame.number | wc -l)" -gt 100 ]; }

@test "taps: what was lost stands at the very packet after the gap, and at its device" { in_sandbox the_gap; }
the_gap() {
	quiet_devices usn0 usn1
	tap file -B 64K -w "$TMP/file" usn0 usn1
	flood 3 1
	kill -STOP "$(pid_of file)"
	flood 4000
	not grown
	kill -CONT "$(pid_of file)"
	# There is room again when some of what was in the ring is in the file.
	eventually grown
	flood 5
	flood 2 1
	end file
	same 4010 $(($(seen file) + $(lost file)))
	[ "$(lost file)" -gt 1000 ]
	python3 - "$(lost file)" <(gaps "$TMP/file") <<-'END'
		import sys
		lost, rows = int(sys.argv[1]), [line.split() for line in open(sys.argv[2])]
		numbers = [int(n, 16) for n, _ in rows]
		drops = [int(d) for _, d in rows]
		# usn1, the first of the 4000, the five, usn1.
		kept = len(rows) - 10
		assert numbers == [0, 1, 2, *range(kept), 0, 1, 2, 3, 4, 0, 1], numbers
		assert drops == [0] * (3 + kept) + [lost] + [0] * 6, [d for d in drops if d]
		assert kept + lost == 4000
	END
}

# Its ring is of chunks of 8 KiB: a reader waits at the end of one as often as elsewhere.
@test "taps: several writers, a ring that is soon gone round, and a reader that waits" { in_sandbox stress; }
stress() {
	quiet_devices usn0
	usn-run ND=usn0 -- "$ROOT/build/tests/ring_stress" usn0 10.64.0.2 4 10000 >"$TMP/tap"
	cat "$TMP/tap"
	[ "$(grep -c '^ok' "$TMP/tap")" = 3 ]
}

@test "taps: SIGUSR1 tells the counts, and it goes on" { in_sandbox counts_go_on; }
counts_go_on() {
	quiet_devices usn0
	tap file -w "$TMP/file" usn0
	flood 3
	kill -USR1 "$(pid_of file)"
	eventually grep -qx '3 packets seen, 0 lost' "$TMP/file.err"
	flood 2
	end file
	same "$(printf '%s\n' '3 packets seen, 0 lost' '5 packets seen, 0 lost')" "$(grep seen "$TMP/file.err")"
	capinfos -M "$TMP/file" | has -E '^Number of packets: *5$'
}

@test "taps: the time of a line as mono, rel and delta" { in_sandbox times; }
times() {
	quiet_devices usn0
	for how in mono rel delta; do tap $how -t $how usn0; done
	tap json --json usn0
	flood 3
	for name in mono rel delta json; do end $name; done
	for how in mono rel delta; do
		awk '{ print $1 }' "$TMP/$how" >"$TMP/$how.times"
		same 3 "$(grep -cxE '[0-9]+\.[0-9]{9}' "$TMP/$how.times")"
	done
	# Each tap has its own stamps, and they are of the same clock.
	python3 - "$TMP" <<-'END'
		import json, sys
		def stamps(how):
		    return [int(line.replace(".", "")) for line in open(f"{sys.argv[1]}/{how}.times")]
		base = [json.loads(line)["mono_ns"] for line in open(f"{sys.argv[1]}/json")]
		second = 10**9
		mono, rel, delta = stamps("mono"), stamps("rel"), stamps("delta")
		assert mono == sorted(mono) and all(abs(a - b) < second for a, b in zip(mono, base))
		assert rel[0] == 0 and rel == sorted(rel) and rel[2] < second + base[2] - base[0]
		assert delta[0] == 0 and sum(delta) < second + base[2] - base[0]
	END
}

@test "taps: a single packet is shown, though the ring is far from full" { in_sandbox shown_soon; }
shown_soon() {
	quiet_devices usn0
	tap text usn0
	tap immediate -i usn0
	flood 1
	# Both go on; what they have shown stands there.
	eventually grep -q 'UDP, length 16' "$TMP/text"
	eventually grep -q 'UDP, length 16' "$TMP/immediate"
	end text
	end immediate
}

@test "taps: several at once, and the end of one" { in_sandbox two_taps; }
two_taps() {
	quiet
	tap first usn0
	tap second -w "$TMP/file" usn0
	tap third usn0
	usn-run ND=usn0 -- ping -q -c 2 -i 0.01 -W 5 10.64.0.2
	end first
	kill -9 "$(pid_of third)"
	usn-run ND=usn0 -- ping -q -c 2 -i 0.01 -W 5 10.64.0.2
	end second
	[ "$(seen first) $(lost first)" = "4 0" ]
	[ "$(seen second) $(lost second)" = "8 0" ]
	capinfos -M "$TMP/file" | has -E '^Number of packets: *8$'
}

@test "taps: killed with -9 it leaves no program attached" { in_sandbox killed; }
killed() {
	quiet
	for signal in KILL INT; do
		tap text usn0
		links "$(pid_of text)" >"$TMP/links"
		[ "$(wc -l <"$TMP/links")" = 2 ]
		while read -r id; do
			show_link id "$id" | value 'd["prog_id"]'
		done <"$TMP/links" >"$TMP/progs"
		while read -r id; do
			bpftool prog show id "$id" | grep usn_tap
		done <"$TMP/progs"
		end text $signal || [ $signal = KILL ]
		while read -r id; do
			eventually not show_link id "$id"
		done <"$TMP/links"
		while read -r id; do
			eventually not bpftool prog show id "$id"
		done <"$TMP/progs"
	done
}

@test "taps: seen and lost are what was sent, to a slow reader" { in_sandbox slow_reader; }
slow_reader() {
	sysctl -qw net.ipv6.conf.default.disable_ipv6=1
	usn up usn0 Address=10.64.0.1/24
	tap slow -w "$TMP/slow.pcapng" usn0
	tap quick -w "$TMP/quick.pcapng" usn0
	kill -STOP "$(pid_of slow)"
	sent=$(flood 120000)
	kill -CONT "$(pid_of slow)"
	end slow
	end quick
	[ "$sent" = 120000 ]
	[ "$(lost slow)" -gt 0 ]
	[ $(($(seen slow) + $(lost slow))) = "$sent" ]
	[ $(($(seen quick) + $(lost quick))) = "$sent" ]
	# The first ones are in the ring; another tap's loss is not this one's.
	[ "$(seen slow)" -ge 30000 ]
	[ "$(seen quick)" -ge "$(seen slow)" ]
	capinfos -M "$TMP/slow.pcapng" | has -E "^Number of packets: *$(seen slow)\$"
	tcpdump -r "$TMP/slow.pcapng" -nx 2>/dev/null | grep -c 'UDP, length 16' | has -x "$(seen slow)"
}
