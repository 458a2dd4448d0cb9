#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What a rig cannot teach the host: ways, addresses and settings, as a router would. By their effect.

load lib
load ../helpers/net
load ../helpers/tap

# The rig is a user's whom the device's file names; the helper by its text, as its file need not be readable for everybody.
teach() {
	setpriv --reuid=4001 --regid=4001 --clear-groups -- usn rig usn0 -- \
		python3 -c "$(cat "$ROOT/tests/helpers/rig_teach.py")" "$@"
}

# A device whose file names a user, and ways with a router in them: the host's default routes, and one that root made on the
# device. 198.51.100.3 is a neighbour that the host knows.
ways() {
	mkdir -p /etc/usn
	printf '[Device]\nPeer=none\nUser=4001\n' >/etc/usn/usn0.conf
	# The kernel's defaults.
	sysctl -qw net.ipv4.conf.all.accept_redirects=1 net.ipv6.conf.{all,default}.accept_ra=1
	decoy
	ip -n far addr add 198.51.100.3/24 dev far0
	ping -q -c 1 -W 5 198.51.100.3
	usn up usn0
	more_ways
}
more_ways() {
	ip route add 203.0.113.0/24 via 10.64.0.2 dev usn0
	ip -6 route add 2001:db8:77::/48 via fe80::2 dev usn0
}

# All that a router could change, as it is now.
state() {
	local path
	for path in /proc/sys/net/ipv[46]/conf/{usn0,all,default,decoy}/*; do
		echo "$path $(cat "$path" 2>/dev/null)"
	done
	ip addr
	ip rule
	ip -6 rule
	ip route show table all
	ip -6 route show table all
	ip route show cache
	ip -6 route show cache
	ip route get 192.0.2.1
	ip route get 203.0.113.1
	ip route get 203.0.113.1 oif usn0
	ip route get 192.0.2.1 oif usn0
	ip -6 route get 2001:db8::1
	ip -6 route get 2001:db8:cafe::1
	ip -6 route get 2001:db8:bad::1
	ip -6 route get 2001:db8:77::1
	ip -6 route get 2001:db8:77::1 oif usn0
	ip -6 route get 2001:db8::1 oif usn0
}

LESSONS='ra redirect4:198.51.100.2:198.51.100.1:192.0.2.1:198.51.100.3 redirect4:10.64.0.2:198.51.100.1:203.0.113.1:10.64.0.3
redirect6:fe80,,2:fd75,736e,,1:2001,db8,77,,1:fe80,,3'
export LESSONS

# learned LESSON: whether it changes anything; the difference in $TMP/learned.
learned() {
	state >"$TMP/before"
	teach "$1"
	state >"$TMP/after"
	not diff -u "$TMP/before" "$TMP/after" >"$TMP/learned"
}

nothing_learned() {
	local lesson
	for lesson in $LESSONS; do
		not learned "$lesson" || { cat "$TMP/learned"; return 1; }
	done
}

# The device as it would be without the agent's care.
careless() {
	sysctl -qw net.ipv6.conf.usn0.{accept_ra,autoconf,accept_redirects}=1 net.ipv4.conf.usn0.accept_redirects=1
	tc qdisc del dev usn0 clsact 2>/dev/null || :
}

# The agent may still be at what the kernel has told of the device, and sets it all again.
learned_careless() {
	careless
	learned "$1"
}

@test "teach: a host that listens to a rig would learn each of these lessons" { in_sandbox pupil; }
pupil() {
	local lesson
	ways
	for lesson in $LESSONS; do eventually learned_careless "$lesson"; done
	# The last words of each kind: the host's ways lead elsewhere.
	ip route get 192.0.2.1 | has 'via 198.51.100.3 dev decoy'
	ip -6 route get 2001:db8::1 | has 'via fe80::bad dev usn0'
}

@test "teach: nothing is learned from the rig of a new device" { in_sandbox new_device; }
new_device() {
	ways
	nothing_learned
	# The qdisc counts the redirects that were dropped; a tap shows them all the same.
	tc -s qdisc show dev usn0 clsact | has 'dropped 12,'
	tap text -c 6 usn0 icmp
	teach redirect4:198.51.100.2:198.51.100.1:192.0.2.1:198.51.100.3
	wait "$(pid_of text)"
	same 6 "$(grep -c 'ICMP redirect' "$TMP/text")"
}

@test "teach: nor from one that an earlier agent has left open" { in_sandbox adopted; }
adopted() {
	ways
	end_agent KILL
	careless
	usn list
	nothing_learned
	# And once more, with what there is.
	end_agent KILL
	usn list
	nothing_learned
	same 1 "$(tc filter show dev usn0 ingress | grep -c 'usn_redirects')"
}

@test "teach: nor from one whose interface was gone, and made again by somebody else" { in_sandbox returned; }
returned() {
	ways
	# It is in its run, without which the device would be forgotten.
	steps app usn-run ND=usn0 --
	expect app ok 's = make(V4, UDP)'
	ip link del usn0
	eventually show_is usn0 'd["gone"]'
	ip tuntap add usn0 mode tun
	ip link set usn0 up
	eventually show_is usn0 'not d["gone"]'
	more_ways
	nothing_learned
}

# With an MTU too small for IPv6, the kernel forgets the settings.
settings_again() { [ "$(cat /proc/sys/net/ipv6/conf/usn0/{accept_ra,autoconf,accept_redirects} | xargs)" = "0 0 0" ]; }

@test "teach: nor after an MTU with which there was no IPv6" { in_sandbox small_mtu; }
small_mtu() {
	ways
	ip link set usn0 mtu 1200
	[ ! -e /proc/sys/net/ipv6/conf/usn0 ]
	ip link set usn0 mtu 1500
	eventually settings_again
	ip link set usn0 down
	ip link set usn0 up
	eventually ip -6 route get 2001:db8::1 oif usn0
	more_ways || :
	nothing_learned
}
