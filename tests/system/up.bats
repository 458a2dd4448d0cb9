#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# usn up: addresses, MTU and routes of a device, its file, and what is taken already.

load lib

sysctl_of() {
	cat "/proc/sys/net/$1"
}

@test "up: the default addresses are the documented ones" { in_sandbox default_addresses; }
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

@test "up: Address= any number of times, MTU=, Peer=" { in_sandbox own_settings; }
own_settings() {
	usn up usn0 Address=192.0.2.1/24 Address=192.0.2.9/24 Address=198.51.100.1/31 Address=2001:db8::1/48 MTU=1400 Peer=echo
	[ "$(addresses usn0)" = "192.0.2.1/24 192.0.2.9/24 198.51.100.1/31 2001:db8::1/48" ]
	[ "$(link usn0 mtu)" = 1400 ]
	[ "$(show usn0 'd["peer"]')" = echo ]
	usn up usn1 Address=192.0.3.1/32 Address=2001:db8:1::1/128
	[ "$(addresses usn1)" = "192.0.3.1/32 2001:db8:1::1/128" ]
}

@test "up: 64 addresses on a device, and not one more" { in_sandbox many_addresses; }
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

@test "up: MTU= from 68 to 65535, and packets as long" { in_sandbox mtu_bounds; }
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

@test "up: rp_filter, accept_local, and a v6 default route that loses to every other" { in_sandbox routing; }
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

@test "up: again with the same settings changes nothing, with others is an error" { in_sandbox idempotent; }
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
	fails 1 "Address=: usn down usn0 first" usn up usn0 Peer=echo MTU=1400 Address=192.0.9.1/24
	fails 1 "Address=: usn down usn1 first" usn up usn1 Address=192.0.2.1/24
	fails 1 "Address=: usn down usn1 first" usn up usn1 Address=192.0.2.1/25 Address=192.0.3.1/24
	# Nothing was changed by asking.
	[ "$(link usn0 ifindex)" = "$index" ]
	[ "$(show usn0 'd["mtu"], d["peer"]')" = "(1400, 'echo')" ]
	[ "$(addresses usn1)" = "192.0.2.1/24 192.0.3.1/24" ]
}

# others [KEY]: a value of each key that is not the default one, but for that key.
others() {
	printf '%s\n' Address=192.0.2.1/24 MTU=1400 Peer=echo Except=local Except=tcp:198.51.100.0/24:80 \
		DNS=192.0.2.53 Ambient=yes |
		grep -v "^${1-none}="
}

# told WORD: usn0 has the default settings and usn1 the other ones; who changes one key is told so.
told() {
	local key=${1%%=*} words
	mapfile -t words < <(others "$key")
	fails 1 "usn0 is up already with different $key=: usn down usn0 first" usn up usn0 "$1"
	fails 1 "usn1 is up already with different $key=: usn down usn1 first" usn up usn1 "${words[@]}"
}

@test "up: each key is told when it differs, and outlives the agent" { in_sandbox each_key; }
each_key() {
	local words word signal
	mapfile -t words < <(others)
	# A key that is new in the program is to come here, too.
	diff <({ usn up usn0 Nonsense=1 2>&1 || :; } | grep -oE '[A-Z][A-Za-z]+=' | sort) \
		<(others | sed 's/=.*/=/' | sort -u)
	for signal in none KILL; do
		[ $signal = none ] || end_agent $signal
		# The second time they are up, and as they were.
		usn up usn0
		usn up usn1 "${words[@]}"
		for word in "${words[@]}"; do
			told "$word"
		done
	done
}

@test "up: after 'ip link set down' says so or takes it up again" { in_sandbox up_again_after_link_down; }
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

@test "/etc/usn/usn0.conf is used, and the command line wins" { in_sandbox config_file; }
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

@test "the example file does what it says" { in_sandbox example_file; }
example_file() {
	mkdir -p /etc/usn
	cp "$ROOT/systemd/usn0.conf" /etc/usn/usn0.conf
	usn up usn0
	# Its addresses and MTU are said to be the default ones.
	[ "$(addresses usn0)" = "10.64.0.1/24 fd75:736e::1/64" ]
	[ "$(show usn0 'd["mtu"], d["peer"]')" = "(1500, 'echo')" ]
}

@test "a name that is taken by somebody else's interface" { in_sandbox name_taken; }
name_taken() {
	ip tuntap add dev usn0 mode tun
	ip link set usn0 mtu 1234
	ip tuntap add dev usn1 mode tap
	ip link add usn2 type veth peer name usn3
	before=$(ip -json -details link show)
	for d in usn0 usn1 usn2 usn3; do
		fails 1 "the name $d is taken by an interface that is not usn's" usn up $d
	done
	[ -z "$(usn list)" ]
	fails 1 "usn0 is not up" usn down usn0
	fails 1 "usn0 is not up" usn down --force usn0
	fails 1 "usn0 is not up" usn rig usn0 -- true
	fails 125 "usn0 is not up" usn-run ND=usn0 -- true
	# Untouched, by the agent's end, too.
	[ "$(ip -json -details link show)" = "$before" ]
	eventually no_agent
	[ ! -e /sys/fs/bpf/usn ]
	[ "$(ip -json -details link show)" = "$before" ]
	# With the name free it works.
	ip link del usn0
	usn up usn0
}

@test "an address that is used already" { in_sandbox address_used; }
address_used() {
	ip tuntap add dev other mode tap
	ip link set other up
	ip addr add 192.0.2.1/24 dev other
	ip addr add 2001:db8::1/64 dev other nodad
	ip addr add 192.0.2.99/32 dev lo
	fails 1 "the address 192.0.2.1/24 is already used by other" usn up usn0 Address=192.0.2.1/24
	fails 1 "is already used by other" usn up usn0 Address=192.0.2.1/16
	fails 1 "the address 2001:db8::1/64 is already used by other" usn up usn0 Address=198.51.100.1/24 Address=2001:db8::1/64
	fails 1 "is already used by lo" usn up usn0 Address=192.0.2.99/24
	nothing_left
	usn up usn0
	fails 1 "the address 10.64.0.1/24 is already used by usn0" usn up usn1 Address=10.64.0.1/24
	fails 1 "is already used by usn0" usn up usn1 Address=fd75:736e::1/64
	no_device usn1
	[ "$(bpftool -j map dump pinned /sys/fs/bpf/usn/maps/devices | value 'len(d)')" = 1 ]
	# Only the address counts, its network may be shared.
	usn up usn1 Address=10.64.0.2/24 Address=192.0.2.2/24
	usn down usn1
	# Where programs may bind to what is not there, too.
	echo 1 >/proc/sys/net/ipv4/ip_nonlocal_bind
	usn up usn1 Address=10.64.0.3/24
}

@test "an address that an interface has which is down" { in_sandbox address_used_below; }
address_used_below() {
	# The interface is down, and will have the address again.
	ip tuntap add dev other mode tap
	ip addr add 192.0.2.1/24 dev other
	fails 1 "is already used by other" usn up usn0 Address=192.0.2.1/24
}

@test "up: twenty devices at once, and their networks are apart" { in_sandbox twenty_at_once; }
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

@test "up: more devices than the soft limit of descriptors that the agent was born with" { in_sandbox more_than_descriptors; }
more_than_descriptors() {
	ulimit -Sn 40
	usn up usn{0..59}
	[ "$(usn list | wc -l)" = 60 ]
}

@test "up: warns of net.ipv4.conf.all.rp_filter, and only then" { in_sandbox rp_filter_warning; }
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
