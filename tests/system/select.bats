#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# usn tail: which packets a tap takes, by owner, direction and expression; and what it refuses.

load lib
load ../helpers/net
load ../helpers/tap

# ask NAME SIZE: a datagram to the echo, and its answer.
ask() {
	expect "$1" "$2" "s.sendto(b'x' * $2, ('10.64.0.2', 7))"
	expect "$1" "$2" 'len(s.recv(999))'
}

# Two runs with a socket each, on a device with an echo.
two_runs() {
	quiet
	steps one usn-run ND=usn0 --
	steps two usn-run ND=usn0 --
	expect one ok 's = make(V4, UDP)'
	expect two ok 's = make(V4, UDP)'
}

@test "select: by process and by command, out and in" { in_sandbox by_process; }
by_process() {
	two_runs
	expect two ok "open('/proc/self/comm', 'w').write('second') and None"
	# Who made the socket counts, under the name it had then.
	expect two ok 's = make(V4, UDP)'
	tap pid --json -p "$(pid_of one)" usn0
	tap comm --json -n second usn0
	tap nobody -n nobody usn0
	tap both --json -p "$(pid_of one)" -n second usn0
	ask one 1
	ask two 2
	ping -q -c 1 -W 5 -I usn0 10.64.0.2
	for name in pid comm nobody both; do end $name; done
	same "$(pid_of one)" "$(rows pid pid)"
	same "1 2" "$(rows pid payload | xargs) $(seen pid)"
	same second "$(rows comm comm)"
	same "2 2" "$(rows comm payload | xargs) $(seen comm)"
	same "0 0" "$(seen nobody) $(seen both)"
}

# What is in the run's cgroup, or in one that it makes below.
@test "select: by run, also what a cgroup below it sends" { in_sandbox by_run; }
by_run() {
	two_runs
	run=$(run_of one)
	inner=$(cgroup_tree)$(sed -n 's/^0:://p' "/proc/$(pid_of one)/cgroup")/inner
	mkdir "$inner"
	tap run --json -r "$run" usn0
	tap path --json -r "$(sed -n 's/^0:://p' "/proc/$(pid_of one)/cgroup")" usn0
	tap other --json --run "$(run_of two)" usn0
	tap inner --json -r "$inner" usn0
	ask one 1
	ask two 2
	expect one ok "open('$inner/cgroup.procs', 'w').write(str(os.getpid())) and None"
	expect one ok 's = make(V4, UDP)'
	ask one 3
	for name in run path other inner; do end $name; done
	same "1 3 4" "$(rows run payload | xargs) $(seen run)"
	same "1 3 4" "$(rows path payload | xargs) $(seen path)"
	same "2 2" "$(rows other payload | xargs) $(seen other)"
	same "3 2" "$(rows inner payload | xargs) $(seen inner)"
	fails 1 "there is no run 'usn0-4711', and no cgroup" usn tail -r usn0-4711 usn0
	fails 1 "No such file" usn tail -r /usn/usn0-4711 usn0
}

@test "select: by direction" { in_sandbox by_direction; }
by_direction() {
	two_runs
	tap in --json -Q in usn0
	tap out --json -Q out usn0
	tap inout --json -Q inout usn0
	tap mine --json -Q in -p "$(pid_of two)" usn0 udp
	ask one 1
	ask two 2
	for name in in out inout mine; do end $name; done
	same "in 2" "$(rows in direction) $(seen in)"
	same "out 2" "$(rows out direction) $(seen out)"
	same "in out 4" "$(rows inout direction | xargs) $(seen inout)"
	same "in/2 1" "$(rows mine direction,payload) $(seen mine)"
}

@test "select: by an expression, in one word or several, and with an owner" { in_sandbox by_expression; }
by_expression() {
	usn up usn0 Peer=echo
	steps one usn-run ND=usn0 --
	steps two usn-run ND=usn0 --
	tap word --json usn0 'udp port 7 and ip'
	tap words --json usn0 udp port 7 and ip6
	tap quoted --json usn0 udp and '(dst port 7 or dst port 9)'
	tap long --json usn0 'ip[2:2] > 100 and udp'
	tap mine --json -p "$(pid_of two)" -Q out usn0 udp and ip
	tap none usn0 port 4711
	for name in one two; do
		expect $name ok 's = make(V4, UDP); t = make(V6, UDP)'
		for size in 1 300; do
			expect $name $size "s.sendto(b'x' * $size, ('10.64.0.2', 7))"
			expect $name $size 'len(s.recv(999))'
			expect $name $size "t.sendto(b'x' * $size, ('fd75:736e::2', 7))"
			expect $name $size 'len(t.recv(999))'
		done
	done
	for name in word words quoted long mine none; do end $name; done
	same "4 8" "$(rows word ip) $(seen word)"
	same "6 8" "$(rows words ip) $(seen words)"
	same "7 8" "$(rows quoted dport) $(seen quoted)"
	same "4/300 4" "$(rows long ip,payload) $(seen long)"
	same "$(pid_of two)/4/out 2" "$(rows mine pid,ip,direction) $(seen mine)"
	same 0 "$(seen none)"
}


@test "select: what does not match takes no room in the ring" { in_sandbox room; }
room() {
	quiet
	# A page holds some thirty of the packets: one in 10,000 is far below that, all are far above.
	tap few -B 4K usn0 'udp[10:2] = 0x1234'
	tap all -B 4K -w /dev/null usn0
	kill -STOP "$(pid_of few)" "$(pid_of all)"
	sent=$(flood 70000)
	kill -CONT "$(pid_of few)" "$(pid_of all)"
	end few
	end all
	[ "$sent" = 70000 ]
	# The numbers 0x1234 and 0x11234, of 0 to 69,999.
	same "1 0" "$(seen few) $(lost few)"
	[ "$(lost all)" -gt 60000 ]
	same 70000 $(($(seen all) + $(lost all)))

	tap mine -B 4K -p $$ usn0
	kill -STOP "$(pid_of mine)"
	flood 5000
	kill -CONT "$(pid_of mine)"
	end mine
	same "0 0" "$(seen mine) $(lost mine)"
}

@test "select: wrong expressions, ring sizes and owners are refused, and leave no file" { in_sandbox refused; }
refused() {
	local ring
	quiet
	for expression in 'tcp port' 'udp and' 'port http0' 'foo' '(' 'wlan type mgt' 'ip[0:3] = 1'; do
		# shellcheck disable=SC2086
		fails 2 "filter '$expression': " usn tail -w "$TMP/file" usn0 $expression
		[ ! -e "$TMP/file" ]
	done
	fails 2 "syntax error" usn tail -w "$TMP/file" usn0 "$(printf 'tcp or %.0s' {1..200}) ("
	[ ! -e "$TMP/file" ]
	for ring in 0 3 3K x 2G 1T -1 ''; do
		fails 2 "-B '$ring' is not" usn tail -B "$ring" -w "$TMP/file" usn0
		[ ! -e "$TMP/file" ]
	done
	for wrong in -p0 -px -n "-nsixteen bytes !!" -Qboth -r; do
		fails 2 "" usn tail -w "$TMP/file" "$wrong" "" usn0
		[ ! -e "$TMP/file" ]
	done
	fails 1 "on the list twice" usn tail usn0 usn0
	for ring in 4K 5000 64K 1M 16M; do
		tap text -B $ring -c 2 usn0
		usn-run ND=usn0 -- ping -q -c 1 -W 5 10.64.0.2
		wait "$(pid_of text)"
		same "2 0" "$(seen text) $(lost text)"
	done
}
