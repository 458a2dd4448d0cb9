#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The tour of the README: each command is taken from the document and run, in the document's order.
# What a command needs beside it, such as a server behind the device, is made here.

load lib
load ../helpers/net

# tour_lines FILE: the commands. An indented line of the tour is one.
tour_lines() {
	sed -n '/^## A tour/,/^## [^A]/s/^    //p' "$1"
}

@test "the tour of the README, line by line" { in_sandbox tour; }
tour() {
	mkdir "$TMP/tour"
	cd "$TMP/tour"
	ln -s "$ROOT/docs" docs
	library
	tour_lines "$ROOT/README.md" >"$TMP/lines"
	[ "$(wc -l <"$TMP/lines")" -ge 20 ]
	while IFS= read -r line <&9; do
		walk "${line//\/tmp\//$TMP/}" 9<&-
	done 9<"$TMP/lines"
}

# library: libusn, as if it were installed.
library() {
	sed "s|@LIBDIR@|$ROOT/build|; s|@INCLUDEDIR@|$ROOT/include|" "$ROOT/agent/tap/usn.pc.in" \
		>"$TMP/usn.pc"
	export PKG_CONFIG_PATH="$TMP" LD_LIBRARY_PATH="$ROOT/build"
}

# walk LINE: a line without a word here is run as it is, and has to succeed.
walk() {
	case $1 in
	*' sh '*) plain "$1" <<<'ping -c 1 10.64.0.2' ;;
	*' xterm') with_x_server endless "$1" xterm_shows ;;
	*--dns*) with_web plain "$1" ;;
	*' --pid 4711 '*) with_process "$1" ;;
	*' --cgroup '*) mkdir -p "$(cgroup_tree)/system.slice/app.service" && plain "$1" ;;
	'usn record '*) recording "${1%&}" ;;
	*--dump-on-failure*) failing_test "$1" ;;
	'usn tail '*'-c '*) busy && plain "$1" ;;
	'usn tail '* | tshark*) with_extcap endless "$1" says 'TCP|Flags' ;;
	'usn rig '*) endless "$1" has_rig ;;
	*tap*' usn0') endless "$1" says '/(ping|curl) [0-9]' ;;
	'usn down '*) unused && plain "$1" ;;
	*) plain "$1" ;;
	esac
}

plain() {
	bash -euc "$1"
}

# endless LINE COMMAND...: the line runs until the command is true, and is then ended.
endless() {
	local line=$1 pid
	shift
	setsid bash -c "$line" >"$TMP/out" 2>"$TMP/err" &
	pid=$!
	eventually "$@" || { cat "$TMP/out" "$TMP/err"; return 1; }
	kill -TERM -- -$pid
	wait $pid || :
}

says() {
	grep -qE "$1" "$TMP/out"
}

# with_x_server COMMAND...: display 0 of 192.0.2.7, which the terminal can reach by lo alone.
with_x_server() {
	ip addr add 192.0.2.7/32 dev lo
	Xvfb :0 -nolock -ac -listen tcp -nolisten unix -nolisten local -displayfd 5 \
		5>"$TMP/display" 2>"$TMP/xvfb.err" &
	local pid=$!
	eventually grep -qx 0 "$TMP/display"
	"$@"
	kill $pid
}
xterm_shows() {
	DISPLAY=192.0.2.7:0 timeout 10 xdotool search --onlyvisible --class xterm
}

# with_web COMMAND...: a name server and a web server at the address that the tour asks.
with_web() {
	local pids=()
	usn up usn9 Address=10.64.0.2/24
	hold join usn rig usn0 -- bash -c \
		"exec 5<&3; exec usn rig usn9 -- '$ROOT/build/tests/rig_join' 3 5"
	usn-run ND=usn9 -- dnsmasq -d -C /dev/null --no-resolv --no-hosts -u root \
		--address=/example.com/10.64.0.2 --listen-address=10.64.0.2 --bind-interfaces \
		2>"$TMP/dns" &
	pids+=($!)
	usn-run ND=usn9 -- python3 -m http.server 80 --bind 10.64.0.2 >"$TMP/web" 2>&1 &
	pids+=($!)
	eventually eval 'ss -Hlnt "sport = :80" | has .'
	eventually eval 'ss -Hlnu "sport = :53" | has .'
	"$@"
	has '"GET / HTTP' <"$TMP/web"
	kill "${pids[@]}"
	kill "$(pid_of join)"
	usn down --force usn9
}

# with_process LINE: of a process that runs already.
with_process() {
	sleep infinity &
	moved_pid=$!
	plain "${1/4711/$moved_pid}" >"$TMP/moved"
	has '^1 process in usn0-' <"$TMP/moved"
}

# busy: pings, and connects to port 80, for the rest of the tour.
busy() {
	[ -z "${traffic_pid-}" ] || return 0
	usn-run ND=usn0 -- bash -c 'while :; do
		ping -q -c 1 10.64.0.2
		curl -s --max-time 0.1 http://10.64.0.2/
	done' >"$TMP/traffic" 2>&1 &
	traffic_pid=$!
}

recording() {
	bash -c "exec $1" 2>"$TMP/record" &
	recorder_pid=$!
	eventually grep -q recording "$TMP/record"
	# The reader of the tour takes longer to the next line than a packet to the recorder.
	busy
	eventually usn dump -w "$TMP/first.pcapng" usn0 2>/dev/null
}

failing_test() {
	printf 'test:\n\tping -c 1 10.64.0.2 && false\n' >Makefile
	not plain "$1"
	tshark -r "$TMP/test.pcapng" 2>/dev/null | has 'Echo (ping) request'
}

# with_extcap COMMAND...: usn-extcap alone where this tshark looks, in the sandbox's own mounts.
with_extcap() {
	local dir
	dir=$(tshark -G folders 2>/dev/null | sed -nE 's/^(Global )?[Ee]xtcap path:[[:space:]]*//p')
	mountpoint -q "$dir" || mount -t tmpfs tmpfs "$dir"
	cp "$(command -v usn-extcap)" "$dir"
	HOME="$TMP" "$@"
}

has_rig() {
	usn list | has '^usn0 .* rig [0-9]*/python3 '
}

# unused: nothing of the tour is on usn0 any more.
unused() {
	kill "$moved_pid" "$traffic_pid" "$recorder_pid"
	rmdir "$(cgroup_tree)/system.slice/app.service"
	eventually no_runs
}
no_runs() {
	! usn list | has '^  '
}

@test "the tour of the README: a line that fails is found" { in_sandbox wrong_line; }
wrong_line() {
	printf '## A tour\n\nText.\n\n    usn up usn0 Nonsense=1\n\n## The end\n\n    not this\n' >"$TMP/tour.md"
	[ "$(tour_lines "$TMP/tour.md")" = 'usn up usn0 Nonsense=1' ]
	not walk "$(tour_lines "$TMP/tour.md")" 2>"$TMP/said"
	has Nonsense <"$TMP/said"
}
