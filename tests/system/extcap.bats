#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# usn-extcap: what it answers to Wireshark, and a real tshark that captures by it.

load lib
load ../helpers/net

# Two pings, until the sandbox ends: one pid each, one address each.
pings() {
	usn-run ND=usn0 -- ping -q -i 0.02 10.64.0.2 >/dev/null &
	two_pid=$!
	usn-run ND=usn0 -- ping -q -i 0.02 10.64.0.3 >/dev/null &
	three_pid=$!
	eventually run_of_ping $two_pid
	eventually run_of_ping $three_pid
}

# The name of the run that the process is in.
run_of_ping() {
	usn list | sed -nE "s#^  run (usn0-[0-9]+) $1/ping\$#\\1#p" | grep .
}

# installed: usn-extcap alone where this tshark looks, in the sandbox's own mount namespace.
installed() {
	local dir
	dir=$(tshark -G folders 2>/dev/null | sed -nE 's/^(Global )?[Ee]xtcap path:[[:space:]]*//p')
	mount -t tmpfs tmpfs "$dir"
	cp "$(command -v usn-extcap)" "$dir"
	export HOME="$TMP"
}

@test "extcap: the sentences of each call" { in_sandbox sentences; }
sentences() {
	version="extcap {version=$(usn --version | cut -d' ' -f2)}{help=file://"
	[ "$(usn-extcap --extcap-version=4.0 | grep -cF "$version")" = 1 ]

	# No agent is started to answer, and without one there is nothing to capture from.
	usn-extcap --extcap-interfaces --extcap-version=4.0 >"$TMP/none"
	grep -qF "$version" "$TMP/none"
	[ "$(wc -l <"$TMP/none")" = 1 ]
	[ -z "$(agent_pid)" ]

	usn up usn0 usn7
	usn down usn7
	usn up usn3
	usn-extcap --extcap-interfaces --extcap-version=4.0 | grep ^interface | sort >"$TMP/interfaces"
	diff - "$TMP/interfaces" <<-'END'
		interface {value=usn_all}{display=all user-space network devices}
		interface {value=usn_usn0}{display=usn0: user-space network device}
		interface {value=usn_usn3}{display=usn3: user-space network device}
	END
	for i in usn_usn0 usn_all; do
		[ "$(usn-extcap --extcap-dlts --extcap-interface $i)" = 'dlt {number=101}{name=RAW}{display=Raw IP}' ]
		usn-extcap --extcap-config --extcap-interface=$i >"$TMP/config"
	done
	[ "$(grep -c '^arg ' "$TMP/config")" = 7 ]
	not grep -vE '^arg \{number=[0-6]\}\{call=--[a-z]+\}\{display=[^}]+\}\{tooltip=[^}]+\}\{type=[a-z]+\}.*\{group=[A-Z][a-z]+\}$|^value \{arg=1\}\{value=(in|out|inout)\}\{display=[^}]+\}\{default=(true|false)\}$' "$TMP/config"
	[ "$(grep -c '^value ' "$TMP/config") $(grep -c 'default=true' "$TMP/config")" = "3 1" ]
}

@test "extcap: a capture filter is checked, and what is wrong is said on the output" { in_sandbox filters; }
filters() {
	[ -z "$(usn-extcap --extcap-interface usn_usn0 --extcap-capture-filter 'tcp port 80 and host 10.64.0.2')" ]
	[ -z "$(usn-extcap --extcap-capture-filter='')" ]
	[ "$(usn-extcap --extcap-interface usn_usn0 --extcap-capture-filter 'tcp prt 80')" = \
		"filter 'tcp prt 80': syntax error" ]
	usn-extcap --extcap-interface usn_usn0 --extcap-capture-filter inbound | has -- '-Q in'
}

@test "extcap: wrong calls" { in_sandbox wrong; }
wrong() {
	fails 2 "see --help" usn-extcap
	fails 2 "see --help" usn-extcap --zzz
	fails 2 "see --help" usn-extcap --extcap-interfaces more
	fails 2 "one call" usn-extcap --extcap-config --extcap-dlts --extcap-interface usn_usn0
	fails 2 "which interface" usn-extcap --extcap-dlts
	fails 2 "is a device, and no filter" usn-extcap --capture --extcap-interface usn_usn0 --fifo "$TMP/f" \
		--extcap-capture-filter usn1
	fails 2 "which interface" usn-extcap --extcap-config
	fails 2 "no interface 'usn0'" usn-extcap --extcap-config --extcap-interface usn0
	fails 2 "no interface 'usn_lo'" usn-extcap --extcap-dlts --extcap-interface usn_lo
	fails 2 "needs --fifo" usn-extcap --capture --extcap-interface usn_usn0
	fails 1 "usn0 is not up" usn-extcap --capture --extcap-interface usn_usn0 --fifo "$TMP/fifo"
	usn up usn0
	for set in --snaplen=0 --direction=up --pid=x --comm=much-longer-than-a-name --ring=1; do
		fails 2 "is not" usn-extcap --capture --extcap-interface usn_usn0 --fifo "$TMP/fifo" $set
	done
	fails 2 "syntax error" usn-extcap --capture --extcap-interface usn_usn0 --fifo "$TMP/fifo" \
		--extcap-capture-filter 'tcp prt 80'
	fails 1 "cannot write" bash -c 'usn-extcap --extcap-interfaces >/dev/full'
}

@test "extcap: the options are usn tail's" { in_sandbox settings; }
settings() {
	quiet
	pings
	# Every one of them at once, and those that were left empty.
	usn-extcap --capture --extcap-interface usn_usn0 --fifo "$TMP/file" --extcap-capture-filter icmp --snaplen 40 \
		--direction out --pid "$three_pid" --comm ping --run "$(run_of_ping $three_pid)" --ring 1M --immediate 2>"$TMP/err" &
	capture=$!
	eventually sh -c "[ \$(tshark -n -r '$TMP/file' 2>/dev/null | wc -l) -ge 5 ]"
	kill -TERM $capture
	wait $capture
	[ ! -s "$TMP/err" ]
	tshark -n -r "$TMP/file" -Y ip -T fields -e ip.dst -e icmp.type -e frame.len -e frame.cap_len 2>/dev/null | sort -u >"$TMP/rows"
	[ "$(xargs <"$TMP/rows")" = "10.64.0.3 8 84 40" ]

	usn-extcap --capture --extcap-interface usn_all --fifo "$TMP/all" --pid= --comm= --run= --extcap-capture-filter= &
	capture=$!
	eventually sh -c "tshark -n -r '$TMP/all' -Y 'ip.src == 10.64.0.2' 2>/dev/null | grep -q ."
	kill -INT $capture
	wait $capture
}

@test "extcap: ends well as soon as the FIFO is closed" { in_sandbox closed; }
closed() {
	quiet
	mkfifo "$TMP/fifo"
	exec {reader}<>"$TMP/fifo"
	usn-extcap --capture --extcap-interface usn_usn0 --fifo "$TMP/fifo" {reader}>&- 2>"$TMP/err" &
	capture=$!
	# The header is there: it captures. Then the reader goes, and there is no packet that could tell.
	[ "$(head -c 4 <&"$reader" | od -An -tx1 | tr -d ' ')" = 0a0d0d0a ]
	exec {reader}>&-
	wait $capture
	[ ! -s "$TMP/err" ]
}

@test "extcap: tshark lists the devices" { in_sandbox listed; }
listed() {
	installed
	usn up usn0
	tshark -D 2>/dev/null >"$TMP/list"
	grep -qE '^[0-9]+\. usn_usn0 \(usn0: user-space network device\)$' "$TMP/list"
	grep -qE '^[0-9]+\. usn_all \(all user-space network devices\)$' "$TMP/list"
	tshark -i usn_usn0 -L 2>&1 | has 'RAW (Raw IP)'
}

# live NAME OPTION...: packets, live; a line each: time, direction (1 in, 2 out), from, to. What tells tshark of a process
# counts as a packet, too.
live() {
	local name=$1
	shift
	timeout 60 tshark -n -l "$@" -Y ip -T fields -e frame.time_epoch -e frame.packet_flags_direction -e ip.src -e ip.dst \
		>"$TMP/$name" 2>"$TMP/$name.err"
	# What an extcap program says on standard error is shown as an error.
	not grep -i extcap "$TMP/$name.err"
}

@test "extcap: tshark captures live, with nanoseconds, direction, filter and owner" { in_sandbox captured; }
captured() {
	installed
	quiet
	pings
	before=$(date +%s.%N)
	live all -i usn_usn0 -c 40
	after=$(date +%s.%N)
	[ "$(wc -l <"$TMP/all")" -ge 30 ]
	cut -f 1 "$TMP/all" >"$TMP/times"
	not grep -vxE '[0-9]+\.[0-9]{9}' "$TMP/times"
	grep -qv '000$' "$TMP/times"
	{ echo "$before"; cat "$TMP/times"; echo "$after"; } | sort -c -n
	cut -f 2- "$TMP/all" | sed 's/^0x0*//' | sort -u >"$TMP/ways"
	printf '%s\n' "1 10.64.0.2 10.64.0.1" "1 10.64.0.3 10.64.0.1" "2 10.64.0.1 10.64.0.2" "2 10.64.0.1 10.64.0.3" |
		tr ' ' '\t' | diff - "$TMP/ways"

	live filtered -i usn_usn0 -c 10 -f 'icmp[icmptype] == icmp-echo and dst 10.64.0.3'
	[ "$(cut -f 3- "$TMP/filtered" | sort -u | xargs)" = "10.64.0.1 10.64.0.3" ]

	live process -o "extcap.usn_usn0.pid:$two_pid" -i usn_usn0 -c 20
	[ "$(cut -f 3- "$TMP/process" | sort -u | xargs)" = "10.64.0.1 10.64.0.2 10.64.0.2 10.64.0.1" ]

	live out -o extcap.usn_all.direction:out -i usn_all -c 10
	[ "$(cut -f 3 "$TMP/out" | sort -u)" = 10.64.0.1 ]
}

# Whether one of the sandbox's processes has this name.
runs() {
	# shellcheck disable=SC2046
	grep -qsx "$1" $(sed 's#.*#/proc/&/comm#' "$(cgroup_tree)/cgroup.procs")
}

@test "extcap: Ctrl-C ends tshark and the capture" { in_sandbox interrupted; }
interrupted() {
	installed
	quiet
	pings
	# A process group of its own, as a terminal's Ctrl-C finds it.
	set -m
	tshark -n -i usn_usn0 -w "$TMP/file" 2>"$TMP/err" &
	tshark=$!
	set +m
	eventually sh -c "[ \$(tshark -n -r '$TMP/file' 2>/dev/null | wc -l) -ge 10 ]"
	runs usn-extcap
	kill -INT -- -$tshark
	wait $tshark
	eventually not runs usn-extcap
	not grep -iE 'error|pipe' "$TMP/err"
	capinfos -M "$TMP/file" 2>"$TMP/capinfos.err" | has 'timestamp precision: *nanoseconds (9)'
	[ ! -s "$TMP/capinfos.err" ]
}
