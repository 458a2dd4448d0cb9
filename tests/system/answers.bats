#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What the kernel answers by itself to a packet that came in by a device: no socket of a run sends it, and yet it has to
# leave by that device, or not at all.

load lib
load ../helpers/net

ask() { usn rig usn0 -- python3 "$ROOT/tests/helpers/rig_ask.py" "$@"; }

# A reset, a port unreachable, an echo reply.
KINDS='tcp4:6 udp4:1 echo4:1 tcp6:6 udp6:58 echo6:58'
export KINDS

# answered [IPV4 IPV6]: the device's addresses.
answered() {
	local kind host4=${1-10.64.0.1} host6=${2-fd75:736e::1} host
	for kind in $KINDS; do
		case $kind in
		*4:*) host=$host4 want="$host4 > 192.0.2.1 ${kind#*:}" ;;
		*) host=$host6 want="$host6 > 2001:db8::1 ${kind#*:}" ;;
		esac
		[ "$(ask "${kind%:*}" "$host")" = "$want" ]
	done
}

@test "answers: leave by the device that the question came in by" { in_sandbox all_answers; }
all_answers() {
	decoy
	usn up usn0
	answered
	[ -z "$(on_decoy)" ]
	# The host's own traffic takes the host's way, with any source but the device's.
	ping -q -c 1 -W 5 192.0.2.1
	ping -q -c 1 -W 5 2001:db8::1
	ping -q -c 1 -W 5 -I 198.51.100.1 192.0.2.1
}

@test "answers: with addresses of the user's choice" { in_sandbox own_addresses; }
own_addresses() {
	decoy
	usn up usn0 Address=10.64.0.1/32 Address=fd75:736e::1/128 Address=203.0.113.7/24 Address=fd99::1/64
	usn up usn1
	answered
	answered 203.0.113.7 fd99::1
	[ -z "$(on_decoy)" ]
	usn down usn0 usn1
	[ "$(ip rule | wc -l) $(ip -6 rule | wc -l)" = "3 2" ]
}

@test "answers: on a host without default routes" { in_sandbox no_default; }
no_default() {
	usn up usn0
	answered
	# Others are not led there.
	steps host
	expect host ENETUNREACH "make(V6, UDP).connect(('2001:db8::1', 9))"
	expect host ENETUNREACH "make(V4, UDP).connect(('192.0.2.1', 9))"
}

@test "answers: a device that is taken down and up" { in_sandbox down_and_up; }
down_and_up() {
	decoy
	usn up usn0
	ip link set usn0 down
	# An answer that is still to be sent: the rules hold while there is no route to the device.
	not ping -q -c 1 -W 1 -I 10.64.0.1 192.0.2.1
	not ping -q -c 1 -W 1 -I fd75:736e::1 2001:db8::1
	[ -z "$(on_decoy)" ]
	ip link set usn0 up
	eventually sh -c "ip -6 route show table all | grep -q '^default dev usn0 table 1970499072'"
	eventually sh -c "ip route show table all | grep -q '^default dev usn0 table 1970499072'"
	answered
	[ -z "$(on_decoy)" ]
}

@test "answers: nothing is left of the rules, also after a crash" { in_sandbox restarted; }
restarted() {
	decoy
	usn up usn0
	end_agent KILL
	# The rules are the kernel's.
	usn list
	answered
	[ -z "$(on_decoy)" ]
	usn down usn0
	[ "$(ip rule | wc -l) $(ip -6 rule | wc -l)" = "3 2" ]
	[ -z "$(ip route show table all | grep 19704 || ip -6 route show table all | grep 19704)" ]
}

@test "answers: the rules of a device that somebody else removes go, too" { in_sandbox gone; }
gone() {
	usn up usn0 usn1
	ip link del usn0
	eventually sh -c 'no_rule() { ! ip rule | grep -q "10\.64\.0\.1 "; }; no_rule'
	ip rule | grep '10\.64\.1\.1 lookup'
	usn down usn1
	[ "$(ip rule | wc -l) $(ip -6 rule | wc -l)" = "3 2" ]

	# While there is no agent.
	usn up usn0 usn1
	end_agent KILL
	ip link del usn0
	usn list
	usn down usn1
	[ "$(ip rule | wc -l) $(ip -6 rule | wc -l)" = "3 2" ]
}

@test "answers: what a rig sends to others is not passed on by the host" { in_sandbox not_forwarded; }
not_forwarded() {
	sysctl -qw net.ipv4.ip_forward=1
	decoy
	usn up usn0
	steps rig usn rig usn0 --
	# UDP from 10.64.0.9 to 192.0.2.1: a packet that the host would pass on.
	expect rig 29 "__import__('os').write(3, bytes.fromhex('4500001d000100004011ae850a400009c0000201126700090009000078'))"
	[ -z "$(on_decoy)" ]
}
