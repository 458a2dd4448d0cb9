#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# usn record, usn dump and usn-run --dump-on-failure: the newest packets, whole and counted, when they are asked for.

load lib
load ../helpers/net

# recorder NAME OPTION...: a usn record, ready when this returns.
recorder() {
	local name=$1
	shift
	rm -f "$TMP/$name.err"
	usn record "$@" 2>"$TMP/$name.err" &
	eval "${name}_pid=$!"
	eventually grep -q '^recording ' "$TMP/$name.err"
	eventually test -S /run/usn/record/usn0.sock
}

# dump FILE [DEVICE]: what is said of it goes to FILE.err.
dump() {
	usn dump -w "$1" "${2-usn0}" 2>"$1.err"
}
dumped() { sed -n 's/^\([0-9]*\) packets.*/\1/p' "$1.err"; }
forgotten() { sed -n 's/.*; \([0-9]*\) forgotten.*/\1/p' "$1.err"; }
missed() { sed -n 's/.*, \([0-9]*\) lost.*/\1/p' "$1.err"; }

# numbers FILE: those of udp_flood's datagrams in it.
numbers() {
	tshark -n -r "$1" -Y udp -T fields -e udp.payload 2>/dev/null | cut -c 1-8 | while read -r n; do
		echo $((0x$n))
	done
}

# FROM...TO are in FILE, each once, in order.
are_all() {
	numbers "$1" | diff - <(seq "$2" "$3")
}

valid() {
	capinfos -M "$1" >"$TMP/capinfos" 2>"$TMP/capinfos.err"
	[ ! -s "$TMP/capinfos.err" ]
	grep -q '^File type: .*pcapng' "$TMP/capinfos"
	tshark -n -r "$1" >/dev/null 2>"$TMP/tshark.err"
	not grep -q malformed "$TMP/tshark.err"
}

# A device whose queue takes all that is sent.
long_queue() {
	usn up usn0
	ip link set usn0 txqueuelen 100000
}

@test "record: a dump has the newest packets, none missing" { in_sandbox newest; }
newest() {
	long_queue
	recorder rec -l 128K -Q out usn0 udp
	[ "$(cat "$TMP/rec.err")" = "recording usn0, the last 128K" ]
	[ "$(flood 5000)" = 5000 ]
	dump "$TMP/a"
	valid "$TMP/a"
	[ $(($(dumped "$TMP/a") + $(forgotten "$TMP/a") + $(missed "$TMP/a"))) = 5000 ]
	[ "$(missed "$TMP/a")" = 0 ]
	[ "$(dumped "$TMP/a")" -gt 500 ]
	are_all "$TMP/a" "$(forgotten "$TMP/a")" 4999
	[ "$(stat -c %a "$TMP/a")" = 640 ]
	# Again: the same packets. And again, with others.
	dump "$TMP/b"
	diff <(numbers "$TMP/a") <(numbers "$TMP/b")
	[ "$(flood 10)" = 10 ]
	dump "$TMP/b"
	[ $(($(dumped "$TMP/b") + $(forgotten "$TMP/b") + $(missed "$TMP/b"))) = 5010 ]
	numbers "$TMP/b" | tail -n 10 | diff - <(seq 0 9)
	# Into a pipe, and behind what a file has.
	usn dump usn0 -w - 2>/dev/null | tshark -n -r - -Y udp 2>/dev/null | wc -l | grep -qx "$(dumped "$TMP/b")"
	printf 'before' >"$TMP/c"
	usn dump usn0 -w - >>"$TMP/c" 2>/dev/null
	[ "$(head -c 6 "$TMP/c")" = before ]
	[ "$(stat -c %s "$TMP/c")" -gt 1000 ]
}

@test "record: dumps while packets pass" { in_sandbox while_flowing; }
while_flowing() {
	long_queue
	# The ring is large: to keep up is not the question here.
	recorder rec --last 64M -B 64M -s 64 -Q out usn0 udp
	flood 200000 >"$TMP/sent" &
	sender=$!
	eventually dump "$TMP/1"
	for i in 2 3 4; do
		dump "$TMP/$i"
	done
	wait $sender
	dump "$TMP/5"
	for i in 1 2 3 4 5; do
		valid "$TMP/$i"
		[ $(($(forgotten "$TMP/$i") + $(missed "$TMP/$i"))) = 0 ]
		are_all "$TMP/$i" 0 $(($(dumped "$TMP/$i") - 1))
	done
	[ "$(dumped "$TMP/5")" = "$(cat "$TMP/sent")" ]
	kill -INT "$(pid_of rec)"
	wait "$(pid_of rec)"
}

@test "record: what it did not keep up with is counted" { in_sandbox lost_is_counted; }
lost_is_counted() {
	long_queue
	recorder rec -B 4K -s 128 -Q out usn0 udp
	kill -STOP "$(pid_of rec)"
	[ "$(flood 1000)" = 1000 ]
	kill -CONT "$(pid_of rec)"
	dump "$TMP/a"
	[ "$(missed "$TMP/a")" -gt 900 ]
	[ $(($(dumped "$TMP/a") + $(forgotten "$TMP/a") + $(missed "$TMP/a"))) = 1000 ]
	capinfos -M "$TMP/a" | grep -qE "^Number of packets: *$(dumped "$TMP/a")\$"
}

@test "record: packets go by their age" { in_sandbox by_age; }
by_age() {
	long_queue
	recorder rec -l 1s -Q out usn0 udp
	[ "$(cat "$TMP/rec.err")" = "recording usn0, the last 1s" ]
	[ "$(flood 100)" = 100 ]
	# They go by themselves.
	gone() {
		! dump "$TMP/a" && grep -q 'there are no packets' "$TMP/a.err"
	}
	eventually gone
	[ ! -e "$TMP/a" ]
	[ "$(flood 10)" = 10 ]
	dump "$TMP/a"
	[ "$(dumped "$TMP/a") $(forgotten "$TMP/a") $(missed "$TMP/a")" = "10 100 0" ]
}

@test "record: one recorder a device, also after one was killed" { in_sandbox one_at_a_time; }
one_at_a_time() {
	long_queue
	fails 1 "nobody records usn0" usn dump usn0 -w "$TMP/a"
	[ ! -e "$TMP/a" ]
	echo old >"$TMP/old"
	fails 1 "nobody records usn0" usn dump usn0 -w "$TMP/old"
	[ "$(cat "$TMP/old")" = old ]
	recorder rec usn0
	[ "$(stat -c '%a %U' /run/usn/record/usn0.sock)" = "600 root" ]
	fails 1 "usn0 is being recorded already" usn record usn0
	# It disturbs nobody.
	[ "$(flood 3)" = 3 ]
	dump "$TMP/a"
	# What a killed one leaves is taken over.
	kill -KILL "$(pid_of rec)"
	wait "$(pid_of rec)" || :
	[ -S /run/usn/record/usn0.sock ]
	fails 1 "nobody records usn0" usn dump usn0 -w "$TMP/b"
	recorder rec usn0
	[ "$(flood 4)" = 4 ]
	dump "$TMP/a"
	[ "$(numbers "$TMP/a" | wc -l)" = 4 ]
	# Ctrl-C is no failure, and leaves nothing.
	kill -INT "$(pid_of rec)"
	wait "$(pid_of rec)"
	[ -z "$(ls /run/usn/record)" ]
	# Neither does the end of the device.
	recorder rec usn0
	usn down usn0
	status=0
	wait "$(pid_of rec)" || status=$?
	[ $status = 1 ]
	grep -qx 'usn record: usn0 was removed' "$TMP/rec.err"
	[ -z "$(ls /run/usn/record)" ]
}

@test "record: several devices" { in_sandbox several; }
several() {
	usn up usn0 Peer=echo
	usn up usn1 Peer=echo
	recorder rec usn0 usn1 icmp
	usn-run ND=usn0 -- ping -q -c 1 -W 5 10.64.0.2
	usn-run ND=usn1 -- ping -q -c 1 -W 5 10.64.1.2
	for d in usn0 usn1; do
		dump "$TMP/a" $d
		[ "$(dumped "$TMP/a")" = 4 ]
		tshark -n -r "$TMP/a" -Y icmp -T fields -e frame.interface_name 2>/dev/null | diff - <(printf 'usn0\nusn0\nusn1\nusn1\n')
	done
}

@test "record: a full disk" { in_sandbox full; }
full() {
	long_queue
	recorder rec usn0
	[ "$(flood 3000)" = 3000 ]
	mkdir "$TMP/disk"
	mount -t tmpfs -o size=64k tmpfs "$TMP/disk"
	fails 1 "cannot write $TMP/disk/a: No space left" usn dump usn0 -w "$TMP/disk/a"
	[ ! -e "$TMP/disk/a" ]
	fails 1 "No space left" usn dump usn0 -w /dev/full
	[ -c /dev/full ]
	fails 1 "cannot open /nowhere/a" usn dump usn0 -w /nowhere/a
	# It goes on.
	dump "$TMP/a"
	[ "$(numbers "$TMP/a" | wc -l)" = 3000 ]
}

@test "record: wrong usage is one line" { in_sandbox wrong; }
wrong() {
	long_queue
	for o in -l0s -l1x -l1K -l4294967296s -ls -l-1s -Qup; do
		fails 2 "is not" usn record $o usn0
	done
	fails 2 "which device" usn record
	fails 2 "'all' is not a device" usn record all
	fails 2 "belong together" usn record -w "$TMP/a" usn0
	fails 2 "belong together" usn record --on-failure-of 3 usn0
	fails 2 "wrong option '-j'" usn record -j usn0
	fails 2 "wrong option '-l'" usn tail -l 1s usn0
	fails 1 "is not up" usn record usn7
	fails 2 "which device" usn dump
	fails 2 "where to" usn dump usn0
	fails 2 "one device" usn dump -w "$TMP/a" usn0 usn1
	fails 2 "not a device name" usn dump -w "$TMP/a" eth0
	recorder rec -l 30s --last 1M usn0
	[ "$(cat "$TMP/rec.err")" = "recording usn0, the last 30s or 1M" ]
}

# Standard error belongs to the recorder, too, and ends with it: what is read to its end is all.
ran() {
	local status=0
	usn-run --dump-on-failure="$TMP/f" ND=usn0 -- "$@" 2>&1 >/dev/null | cat >"$TMP/said"
	status=${PIPESTATUS[0]}
	return "$status"
}

@test "usn-run --dump-on-failure: a file if the program fails, and no file if not" { in_sandbox on_failure; }
on_failure() {
	usn up usn0 Peer=echo
	ping='ping -q -c 2 -i 0.01 -W 5 10.64.0.2'

	ran sh -c "$ping"
	[ ! -e "$TMP/f" ]
	[ ! -s "$TMP/said" ]

	status=0
	ran sh -c "$ping; exit 3" || status=$?
	[ $status = 3 ]
	[ "$(wc -l <"$TMP/said")" = 1 ]
	grep -q "^usn record: the program ended with status 3: $TMP/f has 4 packets from .*; 0 forgotten, 0 lost\$" "$TMP/said"
	valid "$TMP/f"
	[ "$(tshark -n -r "$TMP/f" -Y icmp 2>/dev/null | wc -l)" = 4 ]
	[ "$(stat -c %a "$TMP/f")" = 640 ]

	# Others' packets are not the run's.
	rm "$TMP/f"
	status=0
	ran sh -c "$ping; usn-run ND=usn0 -- ping -q -c 1 -W 5 10.64.0.2; kill -9 \$\$" || status=$?
	[ $status = 137 ]
	grep -q "the program died of signal 9: $TMP/f has 4 packets" "$TMP/said"
	[ "$(tshark -n -r "$TMP/f" -Y icmp 2>/dev/null | wc -l)" = 4 ]
	rm "$TMP/f"

	# A daemon of a program counts by its packets, not by its end.
	ran sh -c "setsid sleep 1000 </dev/null >/dev/null 2>&1 & $ping"
	[ ! -e "$TMP/f" ]
	[ ! -s "$TMP/said" ]
	status=0
	ran sh -c "setsid sleep 1000 </dev/null >/dev/null 2>&1 & $ping; false" || status=$?
	[ $status = 1 ]
	grep -q "ended with status 1: $TMP/f has 4 packets" "$TMP/said"

	# No socket, nothing left.
	[ ! -e /run/usn/record ]
}

@test "usn-run --dump-on-failure: the program is not disturbed" { in_sandbox undisturbed; }
undisturbed() {
	usn up usn0 Peer=echo
	# The program has no child that it does not know, and the same descriptors.
	cat >"$TMP/look" <<-'END'
		import os
		try:
		    os.waitpid(-1, os.WNOHANG)
		    print("a child")
		except ChildProcessError:
		    print("no child")
		print(sorted(os.listdir("/proc/self/fd"))[:-1])
		print(len(open("/proc/self/cgroup").read()) > 0, os.getsid(0) == os.getsid(os.getppid()))
	END
	usn-run ND=usn0 -- python3 "$TMP/look" >"$TMP/plain"
	usn-run --dump-on-failure="$TMP/f" ND=usn0 -- python3 "$TMP/look" >"$TMP/recorded"
	diff "$TMP/plain" "$TMP/recorded"
	grep -qx 'no child' "$TMP/recorded"
	# The recorder is not of the run.
	hold app usn-run --dump-on-failure="$TMP/f" ND=usn0 -- sh -c 'echo ready; read -r _ || :'
	[ "$(show usn0 'sum(len(r["processes"]) for r in d["runs"])')" = 1 ]
	release app
	# The terminal's signals are the program's.
	hold deaf usn-run --dump-on-failure="$TMP/f" ND=usn0 -- sh -c 'trap "" INT; echo ready; read -r _; exit 4'
	for p in $(cat "$(cgroup_tree)/cgroup.procs"); do
		[ "$(cat "/proc/$p/comm" 2>/dev/null)" = usn ] || continue
		kill -INT "$p"
		kill -HUP "$p"
		touch "$TMP/signalled"
	done
	[ -e "$TMP/signalled" ]
	status=0
	release deaf || status=$?
	[ $status = 4 ]
	eventually test -s "$TMP/f"
	# What cannot be is said before anything starts.
	fails 125 "cannot open /nowhere/f" usn-run --dump-on-failure=/nowhere/f ND=usn0 -- touch "$TMP/started"
	[ ! -e "$TMP/started" ]
	# A name is of the directory that usn-run was started in.
	cd "$TMP" || return
	status=0
	usn-run -C / --dump-on-failure=relative ND=usn0 -- false 2>&1 | cat >"$TMP/said" || :
	grep -q "$TMP/relative has 0 packets; 0 forgotten, 0 lost" "$TMP/said"
	valid "$TMP/relative"
}
