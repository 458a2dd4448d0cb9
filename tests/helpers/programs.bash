# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# For the tests of real programs, beside net.bash: servers in runs on usn1, clients on usn0.

# All that leaves by the decoy but what keeps IPv6 itself going: neighbours and multicast listeners.
FOREIGN='ip or (ip6 and not dst net ff00::/8 and not (icmp6 and ip6[40] >= 130))'
export FOREIGN

# The addresses of usn1.
SERVER4=10.64.1.1
SERVER6=fd75:736e:0:1::1
export SERVER4 SERVER6

# network: makes usn0 and usn1, joined by a rig, the decoy, and tcpdump on both. No program waits
# for a name server.
network() {
	joined
	decoy
	watch usn0 'ip or ip6'
	sed -i 's/^hosts:.*/hosts: files/' /etc/nsswitch.conf
}

# serve NAME COMMAND...: starts a server in a run on usn1; what it says is in $TMP/NAME.
serve() {
	local name=$1
	shift
	usn-run ND=usn1 -- "$@" </dev/null >"$TMP/$name" 2>&1 &
	eval "${name}_pid=$!"
}

# listens PORT [tcp|udp]: whether a program listens there.
listens() {
	ss -Hln "--${2-tcp}" "sport = :$1" | has .
}

# listening PORT [tcp|udp]: waits until a program listens there.
listening() {
	eventually listens "$@"
}

# sent PATTERN...: each has left by usn0, as tcpdump words it.
sent() {
	for pattern; do
		eventually grep -qE "$pattern" "$TMP/usn0"
	done
}

# at_least COUNT PATTERN: so many such packets have left by usn0.
at_least() {
	[ "$(grep -cE "$2" "$TMP/usn0")" -ge "$1" ]
}

# kept [PATTERN]: nothing has left by the decoy, but for what is like PATTERN and did, and nothing
# has tried to.
kept() {
	on_decoy >"$TMP/left"
	if [ $# = 1 ]; then
		grep -qE "$1" "$TMP/left"
	fi
	grep -vE "${1-^$}" "$TMP/left" >"$TMP/strays" || :
	[ ! -s "$TMP/strays" ] || { cat "$TMP/strays"; return 1; }
	usn list --json | value '[(d["name"], k, n) for d in d["devices"] for k, n in d["verdicts"].items()
		if n and k.startswith(("refused", "dropped"))]' | tee "$TMP/strays"
	[ "$(cat "$TMP/strays")" = '[]' ]
}

# on_usn0: prints what has left by usn0, like on_decoy.
on_usn0() {
	local port
	port=$((20000 + $(grep -c '192\.0\.2\.254' "$TMP/usn0" || :)))
	usn-run ND=usn0 -- bash -c "echo >/dev/udp/192.0.2.254/$port"
	eventually grep -q "192\.0\.2\.254\.$port:" "$TMP/usn0"
	grep -v '192\.0\.2\.254' "$TMP/usn0" || :
}

# leaves PATTERN COMMAND...: the reverse of kept. Outside a run the program's packets leave by the
# decoy, and none by usn0.
leaves() {
	local pattern=$1
	shift
	on_usn0 >"$TMP/before"
	: >"$TMP/decoy"
	"$@" </dev/null >"$TMP/outside" 2>&1 || :
	on_decoy >"$TMP/left"
	grep -qE "$pattern" "$TMP/left" || { cat "$TMP/outside" "$TMP/left"; return 1; }
	on_usn0 >"$TMP/after"
	not grep '^>.*> \(192\.0\.2\|2001:db8\)' < <(diff "$TMP/before" "$TMP/after")
}

# account NAME PASSWORD: makes a user whom programs can log in, and a place for their logs.
account() {
	install -d -m 700 "/run/$1"
	touch "/run/$1/.hushlogin"
	useradd -M -l -d "/run/$1" -s /bin/sh "$1"
	chown "$1:" "/run/$1"
	echo "$1:$2" | chpasswd
	mountpoint -q /var/log || mount -t tmpfs tmpfs /var/log
}

# telnet_server: starts one on usn1, for whoever has an account.
telnet_server() {
	# Its path is in no user's PATH.
	serve telnetd socat "TCP-LISTEN:23,bind=$SERVER4,fork,reuseaddr" \
		"EXEC:$(PATH=$PATH:/usr/sbin command -v telnetd || command -v in.telnetd),nofork"
	listening 23
}

# x_server: starts display 1 of 192.0.2.1, another host's, with a cookie in $XAUTHORITY. Its empty
# screen is in $TMP/empty.xwd.
x_server() {
	export XAUTHORITY=$TMP/cookies
	xauth -q add 192.0.2.1:1 . "$(mcookie)" 2>"$TMP/xauth.log"
	ip netns exec far Xvfb :1 -screen 0 640x480x24 -nolock -noreset -listen tcp -nolisten unix -nolisten local \
		-auth "$XAUTHORITY" -displayfd 5 5>"$TMP/display" 2>"$TMP/xvfb.log" &
	eventually grep -qx 1 "$TMP/display"
	on_server xwd -root -silent -out "$TMP/empty.xwd"
}

# on_server COMMAND...: runs it as the X server's user, on its host.
on_server() {
	ip netns exec far timeout 10 env DISPLAY=192.0.2.1:1 "$@"
}

# in_window CLASS: waits for the window; what is typed from now on is typed into it.
in_window() {
	on_server xdotool search --sync --onlyvisible --class "$1" windowfocus --sync mousemove 300 200
}

# xterm_run [OPTION]... [NAME=VALUE]... -- [COMMAND...]: an xterm in a run on usn0. What it shows is
# in $TMP/xterm, too.
xterm_run() {
	local before=()
	while [ "$1" != -- ]; do
		before+=("$1")
		shift
	done
	shift
	usn-run "${before[@]}" ND=usn0 -- xterm -geometry 80x24+0+0 -bg navy -fg yellow -l -lf "$TMP/xterm" ${1+-e "$@"}
}

# log_in NAME PASSWORD: logs in at the server to which telnet has connected in an open xterm.
log_in() {
	eventually grep -q 'login: ' "$TMP/xterm"
	on_server xdotool type "$1"$'\r'
	eventually grep -q 'assword: ' "$TMP/xterm"
	on_server xdotool type "$2"$'\r'
	eventually grep -q '^\$ ' "$TMP/xterm"
	on_server xdotool type 'echo is $(id -un) $((6 * 7))'$'\r'
	eventually grep -q "^is $1 42" "$TMP/xterm"
}

# picture: takes a screenshot. Navy and yellow have come to the empty screen, and a good part of it
# has changed.
picture() {
	local empty colours changed
	on_server xwd -root -silent -out "$TMP/after.xwd"
	read -r empty colours changed <<<"$(python3 "$ROOT/tests/helpers/shot.py" "$TMP/empty.xwd" "$TMP/after.xwd")"
	[ "$empty" = 1 ] && [ "$colours" -ge 3 ] && [ "$changed" -ge 300 ]
}
