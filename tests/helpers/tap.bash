# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# Taps for the system tests, beside net.bash.

# tap NAME OPTION...: a usn tail, attached when this returns; output in $TMP/NAME.
tap() {
	local name=$1
	shift
	# What an earlier one of this name said is not what this one says.
	rm -f "$TMP/$name.err"
	usn tail "$@" >"$TMP/$name" 2>"$TMP/$name.err" &
	eval "${name}_pid=$!"
	eventually grep -q 'listening on' "$TMP/$name.err" || { cat "$TMP/$name.err"; return 1; }
}

# end NAME [SIGNAL]: its status.
end() {
	kill -"${2-INT}" "$(pid_of "$1")"
	wait "$(pid_of "$1")"
}

# The count of "N packets seen, M lost" in the file.
seen() { sed -n 's/^\([0-9]*\) packets seen, .*/\1/p' "$TMP/$1.err"; }
lost() { sed -n 's/^.* packets seen, \([0-9]*\) lost$/\1/p' "$TMP/$1.err"; }

# Neighbours and groups are the kernel's own business, in its own time.
TRAFFIC='tcp or udp or icmp or (icmp6 and (ip6[40] == 128 or ip6[40] == 129))'
export TRAFFIC

# record FILE [N]: tcpdump's record of usnN, to compare with. Its buffer holds a second of anything sent here.
record() {
	tcpdump -Z root -i usn"${2-0}" -n -U --immediate-mode -s 2000 -B 32768 -w "$1" "$TRAFFIC" 2>"$1.err" &
	eventually grep -q '^tcpdump: listening on' "$1.err"
}
records() { [ "$(tcpdump -r "$1" -n 2>/dev/null | wc -l)" = "$2" ]; }

# A device on which there is nothing but what the test sends.
quiet() {
	sysctl -qw net.ipv6.conf.default.disable_ipv6=1
	usn up usn0 Peer=echo Address=10.64.0.1/24
}

# rows NAME KEYS [KEY=VALUE]...: the distinct values in the JSON of the tap NAME, see rows.py.
rows() {
	local name=$1
	shift
	python3 "$ROOT/tests/helpers/rows.py" "$TMP/$name" "$@"
}

# same WANT GOT
same() { [ "$1" = "$2" ] || { echo "wanted: $1"; echo "got: $2"; return 1; }; }

# owner NAME WANT [KEY=VALUE]...: all such packets, and there are some, are of PID/TID/COMM; "-/-/-": of nobody.
owner() {
	local name=$1 want=$2
	shift 2
	same "$want" "$(rows "$name" pid,tid,comm "$@")"
}
