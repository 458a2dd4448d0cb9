# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# Taps for the system tests, beside net.bash.

# tap NAME OPTION...: starts a usn tail, attached when this returns; output in $TMP/NAME.
tap() {
	local name=$1
	shift
	# What an earlier one of this name said is not what this one says.
	rm -f "$TMP/$name.err"
	usn tail "$@" >"$TMP/$name" 2>"$TMP/$name.err" &
	eval "${name}_pid=$!"
	eventually grep -q 'listening on' "$TMP/$name.err" || { cat "$TMP/$name.err"; return 1; }
}

# end NAME [SIGNAL]: sends it, INT if none is given, to a tap or a recorder; returns its status.
end() {
	kill -"${2-INT}" "$(pid_of "$1")"
	wait "$(pid_of "$1")"
}

# seen NAME: prints N of the tap's "N packets seen, M lost".
seen() { sed -n 's/^\([0-9]*\) packets seen, .*/\1/p' "$TMP/$1.err"; }

# lost NAME: prints M of the tap's "N packets seen, M lost".
lost() { sed -n 's/^.* packets seen, \([0-9]*\) lost$/\1/p' "$TMP/$1.err"; }

# links PID: prints the numbers of the links by which the process holds its programs.
links() { sed -n 's/^link_id:[^0-9]*//p' "/proc/$1/fdinfo/"*; }

# Neighbours and groups are the kernel's own business, in its own time.
TRAFFIC='tcp or udp or icmp or (icmp6 and (ip6[40] == 128 or ip6[40] == 129))'
export TRAFFIC

# record FILE [N]: starts tcpdump on usnN, to compare with. Its buffer holds a second of anything
# sent here.
record() {
	tcpdump -Z root -i usn"${2-0}" -n -U --immediate-mode -s 2000 -B 32768 -w "$1" "$TRAFFIC" 2>"$1.err" &
	eventually grep -q '^tcpdump: listening on' "$1.err"
}

# records FILE COUNT: tcpdump's record has so many packets; for eventually.
records() { [ "$(tcpdump -r "$1" -n 2>/dev/null | wc -l)" = "$2" ]; }

# rows NAME KEYS [KEY=VALUE]...: prints the distinct values in the tap's JSON, see rows.py.
rows() {
	local name=$1
	shift
	python3 "$ROOT/tests/helpers/rows.py" "$TMP/$name" "$@"
}

# same WANT GOT: the two texts must be equal.
same() { [ "$1" = "$2" ] || { echo "wanted: $1"; echo "got: $2"; return 1; }; }

# owner NAME WANT [KEY=VALUE]...: all such packets of a tap, and there are some, are of
# PID/TID/COMM; "-/-/-": of nobody.
owner() {
	local name=$1 want=$2
	shift 2
	same "$want" "$(rows "$name" pid,tid,comm "$@")"
}
