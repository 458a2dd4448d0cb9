# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# The network of the suite, and what the back ends have in common: each sources this, overrides what is different with
# its tool, and ends with: verb "$@".
#
#     far ----- decoy  host  DEVICE ----- right
#
# Three network namespaces. Both outer ones have all the addresses that cases send to (RFC 5737, 3849, 6676, 9780).
# The host's default route is the decoy: what is not on the device is seen there.

# The device, and the network namespace that it is in.
device=right
ns=host

here=$(dirname "${BASH_SOURCE[0]}")
export PATH=$here/../../build:$here/../../build/conformance:$here/../../build/tests:$PATH

# cable NAMESPACE DEVICE NAMESPACE DEVICE [OPTION]...: a veth pair; the options are for the first device. Both ends have
# one hardware address and no ARP: no neighbour has to be found, so a packet is out before the call that sends it returns.
cable() {
	local ends=(address 02:00:00:00:00:01 arp off)
	ip -n "$1" link add "$2" "${@:5}" "${ends[@]}" type veth peer name "$4" netns "$3" "${ends[@]}"
	ip -n "$1" link set "$2" addrgenmode none
	ip -n "$3" link set "$4" addrgenmode none
	ip -n "$1" link set "$2" up
	ip -n "$3" link set "$4" up
}

# address NAMESPACE DEVICE ADDRESS...
address() {
	local a
	for a in "${@:3}"; do
		case $a in
		*:*) ip -n "$1" addr add "$a" dev "$2" nodad ;;
		*) ip -n "$1" addr add "$a" dev "$2" ;;
		esac
	done
}

# default_route NAMESPACE DEVICE METRIC
default_route() {
	ip -n "$1" route add default dev "$2" metric "$3"
	ip -n "$1" -6 route add default dev "$2" metric "$3"
}

# open_namespace NAMESPACE: nothing in it stands in the way of a packet, and it has MPTCP, TCP Fast Open and ping sockets.
open_namespace() {
	ip -n "$1" link set lo up
	ip netns exec "$1" sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 \
		net.ipv4.tcp_fastopen=3 net.ipv4.ping_group_range='0 2147483647'
	ip netns exec "$1" sysctl -qw net.mptcp.enabled=1 || :
	ip -n "$1" mptcp limits set subflows 8 add_addr_accepted 8 || :
}

# The host's ends of the two links.
make_decoy() {
	cable host decoy far far0
	address host decoy 198.51.100.1/24 2001:db8:1::1/64 fe80::1/64
	address far far0 198.51.100.2/24 2001:db8:1::2/64 fe80::2/64
	default_route host decoy 100
	default_route far far0 100
}

make_device() {
	cable "$ns" "$device" right right0
	address "$ns" "$device" 10.64.0.1/24 fd75:736e::1/64
	# A socket that is bound to the device needs a route; one that is not must prefer the decoy's.
	default_route "$ns" "$device" 4000
	open_right
}

open_right() {
	address right right0 10.64.0.2/24 fd75:736e::2/64
	default_route right right0 100
}

# A case sends from here to 192.0.2.N and so on, and both ends have every N.
open_network() {
	local outer
	ip netns attach host $$
	ip netns add far
	ip netns add right
	open_namespace host
	for outer in far right; do
		open_namespace $outer
		ip -n $outer route add local 192.0.2.0/24 dev lo
		ip -n $outer -6 route add local 2001:db8::/64 dev lo
	done
	make_decoy
}

# What a back end is asked for. Here as it is for most; "run" is always its own.
probe() { :; }
setup() { make_device; }
remake() { make_device; }
teardown() {
	ip -n "$ns" link del "$device" 2>/dev/null || ip -n "$ns" link del away0 2>/dev/null || :
}
devices() { echo "$device"; }
namespace() { echo "$ns"; }
down() { ip -n "$ns" link set "$device" down; }
delete() { ip -n "$ns" link del "$device"; }
# Before Linux 6.2 a device has to be down for it.
rename() {
	ip -n "$ns" link set "$device" name away0 2>/dev/null || {
		ip -n "$ns" link set "$device" down
		ip -n "$ns" link set "$device" name away0
		ip -n "$ns" link set away0 up
	}
}
# Status 64: the tool has no such thing.
except() { exit 64; }

verb() {
	set -eu
	"$@"
}
