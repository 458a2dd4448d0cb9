# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# Networks and programs for the system tests, beside tests/system/lib.bash. All of it ends with the
# sandbox.

# The addresses that the helpers send to (RFC 5737, RFC 3849).
FOREIGN='net 192.0.2.0/24 or net 2001:db8::/64'
export FOREIGN

# watch DEVICE FILTER: from now on, tcpdump's lines of what leaves by the device are in $TMP/DEVICE.
watch() {
	local way=out
	# What lo sends is what it receives, and libpcap shows it once.
	[ "$1" != lo ] || way=in
	# $TMP may be of another user than the one that tcpdump becomes. The buffer is cut into slots of the
	# snap length: of the default one it would hold eight, and what comes faster would be lost.
	tcpdump -Z root -i "$1" -Q $way -n -l --immediate-mode -s 512 -B 4096 "$2" >>"$TMP/$1" 2>"$TMP/$1.err" &
	eventually grep -q '^listening on' "$TMP/$1.err"
}

# decoy: makes a default route for who is not in a run: over a veth to the network namespace "far",
# which has the foreign addresses. What leaves there stands in $TMP/decoy.
decoy() {
	ip netns add far
	ip link add decoy type veth peer name far0 netns far
	ip addr add 198.51.100.1/24 dev decoy
	ip addr add 2001:db8:1::1/64 dev decoy nodad
	ip -n far addr add 198.51.100.2/24 dev far0
	ip -n far addr add 192.0.2.1/32 dev far0
	ip -n far addr add 2001:db8:1::2/64 dev far0 nodad
	ip -n far addr add 2001:db8::1/128 dev far0 nodad
	ip link set decoy up
	ip -n far link set lo up
	ip -n far link set far0 up
	ip route add default via 198.51.100.2
	ip -6 route add default via 2001:db8:1::2
	eventually ping -q -c 1 -W 1 192.0.2.1
	eventually ping -q -c 1 -W 1 2001:db8::1
	watch decoy "$FOREIGN"
}

# on_decoy: prints what has left by the decoy. A last datagram of our own tells that all before it
# has been seen.
on_decoy() {
	local port
	port=$((20000 + $(grep -c '192\.0\.2\.254' "$TMP/decoy" || :)))
	echo >"/dev/udp/192.0.2.254/$port"
	eventually grep -q "192\.0\.2\.254\.$port:" "$TMP/decoy"
	grep -v '192\.0\.2\.254' "$TMP/decoy" || :
}

# hold NAME COMMAND...: starts it, output in $TMP/NAME, and waits until it says "ready".
hold() {
	local name=$1
	shift
	mkfifo "$TMP/$name.hold"
	"$@" <"$TMP/$name.hold" >"$TMP/$name" &
	eval "${name}_pid=$!"
	eval "exec {${name}_fd}>'$TMP/$name.hold'"
	eventually grep -qx ready "$TMP/$name"
}

# release NAME: ends the input of what hold has started, and waits for its end.
release() {
	local fd=$1_fd pid=$1_pid
	eval "exec ${!fd}>&-"
	wait "${!pid}"
}

# pid_of NAME: prints the process that hold, steps, tap or serve has started.
pid_of() {
	local pid=$1_pid
	echo "${!pid}"
}

# run_of NAME: prints the run that the process is in, as usn tail takes it: usn0-1.
run_of() {
	sed -n 's,^0::.*/,,p' "/proc/$(pid_of "$1")/cgroup"
}

# web ADDRESS: starts a web server in a run on usn1; prints its port.
web() {
	usn-run ND=usn1 -- python3 "$ROOT/tests/helpers/web.py" "$1" >"$TMP/web-$1" 2>"$TMP/web-$1.log" &
	eventually grep -q . "$TMP/web-$1"
	cat "$TMP/web-$1"
}

# quiet: makes usn0, with an echo behind it and no IPv6: only what the test sends passes it.
quiet() {
	sysctl -qw net.ipv6.conf.default.disable_ipv6=1
	usn up usn0 Peer=echo Address=10.64.0.1/24
}

# joined: makes usn0 and usn1, and a rig between them.
joined() {
	usn up usn0 usn1
	hold rig usn rig usn0 -- bash -c "exec 5<&3; exec usn rig usn1 -- '$ROOT/build/tests/rig_join' 3 5"
}

# steps NAME [COMMAND...]: starts steps.py, by COMMAND if given; that may be another user, who need
# not be able to read it.
steps() {
	local name=$1
	shift
	mkfifo "$TMP/$name.in" "$TMP/$name.out"
	"$@" python3 -c "$(cat "$ROOT/tests/helpers/steps.py")" <"$TMP/$name.in" >"$TMP/$name.out" &
	eval "${name}_pid=$!"
	eval "exec {${name}_in}>'$TMP/$name.in' {${name}_out}<'$TMP/$name.out'"
}

# step NAME STATEMENT: does it in the program that steps has started; prints the answer.
step() {
	local in=$1_in out=$1_out answer
	echo "$2" >&"${!in}"
	read -r -t 10 answer <&"${!out}"
	echo "$answer"
}

# finish NAME: ends the program that steps has started, and waits for its end.
finish() {
	local in=$1_in out=$1_out
	# An agent that was started meanwhile has its input open, too.
	echo 'sys.exit()' >&"${!in}"
	eval "exec ${!in}>&- ${!out}<&-"
	wait "$(pid_of "$1")"
	rm "$TMP/$1.in" "$TMP/$1.out"
}

# expect NAME ANSWER STATEMENT: the step's answer must be this one.
expect() {
	local answer
	answer=$(step "$1" "$3")
	[ "$answer" = "$2" ] || { echo "$1: '$3' gave '$answer', not '$2'"; return 1; }
}

# verdict DEVICE NAME: prints one of the counters.
verdict() {
	show "$1" "d['verdicts']['$2']"
}
