#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Programs that people use, each in a run on usn0: all of its packets pass usn0, none leaves by the host's default
# route. Their servers are real ones, too, in runs on usn1. The reverse: outside a run the program's packets do leave
# by the default route.

load lib
load ../helpers/net
load ../helpers/programs

@test "programs: ping and traceroute, through routers behind the device" { in_sandbox ping_traceroute; }
ping_traceroute() {
	usn up usn0
	decoy
	hold rig usn rig usn0 -- python3 "$ROOT/tests/helpers/rig_hops.py"
	watch usn0 'ip or ip6'
	for to in 192.0.2.1 192.0.2.7 2001:db8::7; do
		usn-run ND=usn0 -- ping -n -c 2 -i 0.01 -W 5 $to
		sent "> $to: ICMP.* seq 2,"
	done
	for how in '' -I '-T -m 2'; do
		for to in 192.0.2.1 2001:db8::1; do
			router=203.0.113
			[ $to = 192.0.2.1 ] || router=2001:db8:113:
			# shellcheck disable=SC2086
			usn-run ND=usn0 -- traceroute -n -q 1 -w 5 $how $to | tee "$TMP/hops"
			grep -E "^ 1  ${router}[.:]1 " "$TMP/hops"
			grep -E "^ 2  ${router}[.:]2 " "$TMP/hops"
			[ "$how" = '-T -m 2' ] || grep -E "^ 3  $to " "$TMP/hops"
		done
	done
	sent '> 192\.0\.2\.1\.33[0-9]*: UDP' '> 2001:db8::1\.80: Flags \[S'
	kept

	leaves '> 192\.0\.2\.7: ICMP echo request' ping -c 1 -W 0.1 192.0.2.7
	leaves '> 192\.0\.2\.1\.33[0-9]*: UDP' traceroute -n -q 1 192.0.2.1
	not grep -F 203.0.113 "$TMP/outside"
}

@test "programs: ftp, passive and active, and vsftpd" { in_sandbox ftp_vsftpd; }
ftp_vsftpd() {
	network
	account alice secret
	echo 'a file' >/run/alice/file
	cat >"$TMP/vsftpd.conf" <<-END
		listen=YES
		listen_address=$SERVER4
		background=NO
		local_enable=YES
		write_enable=YES
		anonymous_enable=NO
		xferlog_enable=NO
		secure_chroot_dir=/run/empty
	END
	mkdir /run/empty
	serve ftpd vsftpd "$TMP/vsftpd.conf"
	listening 21
	cd "$TMP"
	commands='user alice secret\nget file\nput file back\nquit\n'
	# Passive: the client makes the connection for the file.
	printf %b "$commands" | usn-run ND=usn0 -- ftp -n -v -p $SERVER4
	[ "$(cat file)" = 'a file' ]
	diff file /run/alice/back
	sent 'FTP: (EPSV|PASV)' "> $SERVER4\.[0-9]{4,}: Flags \[S\]"
	not grep -F '[S.]' "$TMP/usn0"
	# Active: the server does.
	rm file /run/alice/back
	printf %b "$commands" | usn-run ND=usn0 -- ftp -n -v -A $SERVER4
	[ "$(cat file)" = 'a file' ]
	diff file /run/alice/back
	sent 'FTP: (EPRT|PORT)' "> $SERVER4\.[0-9]+: Flags \[S\.\]"
	kept
	leaves '> 192\.0\.2\.1\.21: Flags \[S\]' ftp -n 192.0.2.1
}

@test "programs: telnet, and a login at telnetd" { in_sandbox telnet_telnetd; }
telnet_telnetd() {
	network
	account alice secret
	telnet_server
	usn-run ND=usn0 -- python3 "$ROOT/tests/helpers/talk.py" telnet $SERVER4 >"$TMP/session" <<-'END'
		login:
		alice
		assword:
		secret
		$
		echo is $(id -un) $((6 * 7)); tail -n 1 /proc/self/cgroup
		0::/usn/usn1-
		exit
	END
	cat "$TMP/session"
	grep -F 'is alice 42' "$TMP/session"
	# The shell is the server's, in its run. (telnetd forgets what a shell that ends has said last.)
	grep '^0::/usn/usn1-' "$TMP/session"
	sent "> $SERVER4\.23: Flags \[S\]" "> $SERVER4\.23: Flags \[P"
	kept
	leaves '> 192\.0\.2\.1\.23: Flags \[S\]' telnet 192.0.2.1
}

@test "programs: ssh, a tunnel, and sshd" { in_sandbox ssh_sshd; }
ssh_sshd() {
	network
	mkdir /run/sshd
	ssh-keygen -q -t ed25519 -N '' -f "$TMP/host"
	ssh-keygen -q -t ed25519 -N '' -f "$TMP/key"
	account alice secret
	install -o alice -m 600 "$TMP/key.pub" /run/alice/keys
	cat >"$TMP/sshd_config" <<-END
		ListenAddress $SERVER4:22
		ListenAddress [$SERVER6]:22
		HostKey $TMP/host
		AuthorizedKeysFile /run/alice/keys
		PidFile none
		UsePAM no
	END
	serve sshd "$(PATH=$PATH:/usr/sbin command -v sshd)" -D -e -f "$TMP/sshd_config"
	listening 22
	cat >"$TMP/ssh_config" <<-END
		Host *
		IdentityFile $TMP/key
		UserKnownHostsFile $TMP/known
		BatchMode yes
		User alice
	END
	printf '%s %s\n' "$SERVER4" "$(cat "$TMP/host.pub")" "$SERVER6" "$(cat "$TMP/host.pub")" >"$TMP/known"
	for server in $SERVER4 $SERVER6; do
		usn-run ND=usn0 -- ssh -F "$TMP/ssh_config" $server 'id -un; tail -n 1 /proc/self/cgroup' </dev/null | tee "$TMP/session"
		grep -x alice "$TMP/session"
		grep -E '^0::/usn/usn1-[0-9]+' "$TMP/session"
		sent "> $server\.22: Flags \[S\]"
	done
	# A tunnel: its near end is on the loopback, its far end is a socket that the server makes for the user.
	usn-run ND=usn0 -- python3 "$ROOT/tests/helpers/web.py" 10.64.0.1 >"$TMP/web" 2>/dev/null &
	eventually grep -q . "$TMP/web"
	port=$(cat "$TMP/web")
	usn-run ND=usn0 -- ssh -F "$TMP/ssh_config" -f -N -o ExitOnForwardFailure=yes -L "127.0.0.1:8080:10.64.0.1:$port" \
		$SERVER4 </dev/null >"$TMP/tunnel" 2>&1
	usn-run ND=usn0 -- curl -sS -m 5 http://127.0.0.1:8080/ | has -x hello
	sent "10\.64\.0\.1\.$port > $SERVER4\.[0-9]+: Flags \[S\.\]"
	kept
	leaves '> 192\.0\.2\.1\.22: Flags \[S\]' ssh -F "$TMP/ssh_config" 192.0.2.1
}

@test "programs: dig and curl, and dnsmasq" { in_sandbox curl_names; }
curl_names() {
	network
	port=$(web $SERVER4)
	url="http://web.test:$port/"
	cat >"$TMP/dnsmasq.conf" <<-END
		listen-address=$SERVER4
		listen-address=$SERVER6
		bind-interfaces
		no-resolv
		no-hosts
		pid-file
		user=nobody
		host-record=web.test,$SERVER4
		host-record=six.test,$SERVER6
	END
	serve dnsmasq "$(PATH=$PATH:/usr/sbin command -v dnsmasq)" -k -C "$TMP/dnsmasq.conf"
	listening 53 udp
	for server in $SERVER4 $SERVER6; do
		for how in +notcp +tcp; do
			[ "$(usn-run ND=usn0 -- dig +short +tries=1 +time=5 $how "@$server" web.test A)" = $SERVER4 ]
			[ "$(usn-run ND=usn0 -- dig +short +tries=1 +time=5 $how "@$server" six.test AAAA)" = $SERVER6 ]
		done
		sent "> $server\.53: [0-9].* A\? web\.test" "> $server\.53: Flags \[S\]"
	done
	# The C library asks the same server, in the program's run.
	sed -i 's/^hosts:.*/hosts: dns/' /etc/nsswitch.conf
	echo "nameserver $SERVER4" >/etc/resolv.conf
	: >"$TMP/usn0"
	[ "$(usn-run ND=usn0 -- curl -sS -m 5 "$url")" = hello ]
	sent "> $SERVER4\.53: [0-9].* A\? web\.test" "> $SERVER4\.$port: Flags \[S\]"
	kept

	leaves '> 192\.0\.2\.1\.53: [0-9].* A\? web\.test' dig +tries=1 +time=1 @192.0.2.1 web.test
	echo 'nameserver 192.0.2.1' >/etc/resolv.conf
	leaves '> 192\.0\.2\.1\.53: [0-9].* A\? web\.test' curl -sS -m 5 "$url"
	leaves '> 192\.0\.2\.1\.80: Flags \[S\]' curl -sS -m 5 http://192.0.2.1/
}

@test "programs: nc" { in_sandbox netcat; }
netcat() {
	network
	for server in $SERVER4 $SERVER6; do
		serve tcp nc -l -N $server 4000
		serve udp nc -u -l $server 4000
		listening 4000
		listening 4000 udp
		echo "by tcp" | usn-run ND=usn0 -- nc -N $server 4000
		echo "by udp" | usn-run ND=usn0 -- nc -u -q 0 $server 4000
		eventually grep -qx 'by tcp' "$TMP/tcp"
		eventually grep -qx 'by udp' "$TMP/udp"
		sent "> $server\.4000: Flags \[S\]" "> $server\.4000: UDP"
		wait "$(pid_of tcp)"
		kill "$(pid_of udp)"
		wait "$(pid_of udp)" || :
	done
	kept
	leaves '> 192\.0\.2\.1\.4000: Flags \[S\]' nc -z 192.0.2.1 4000
	leaves '> 2001:db8::1\.4000: UDP' bash -c 'echo x | nc -u -q 0 2001:db8::1 4000'
}

@test "programs: python3, with threads and an event loop each" { in_sandbox python; }
python() {
	network
	serve python python3 "$ROOT/tests/helpers/many.py" serve $SERVER4
	eventually grep -q . "$TMP/python"
	port=$(cat "$TMP/python")
	usn-run ND=usn0 -- python3 "$ROOT/tests/helpers/many.py" ask $SERVER4 "$port" | has -x '32 answers'
	for kind in 'Flags \[S\]' UDP; do
		eventually at_least 16 "> $SERVER4\.$port: $kind"
	done
	kept
	# Every datagram is refused at once, and not a few a second.
	ip netns exec far sysctl -q -w net.ipv4.icmp_ratelimit=0
	leaves "> 192\.0\.2\.1\.$port: Flags \[S\]" python3 "$ROOT/tests/helpers/many.py" ask 192.0.2.1 "$port"
	grep -E "> 192\.0\.2\.1\.$port: UDP" "$TMP/left"
}

@test "programs: node" { in_sandbox node_js; }
node_js() {
	network
	serve node node "$ROOT/tests/helpers/web.js" serve $SERVER6
	eventually grep -q . "$TMP/node"
	port=$(cat "$TMP/node")
	usn-run ND=usn0 -- node "$ROOT/tests/helpers/web.js" get "http://[$SERVER6]:$port/" | has -x hello
	sent "> $SERVER6\.$port: Flags \[S\]"
	kept
	leaves "> 2001:db8::1\.$port: Flags \[S\]" node "$ROOT/tests/helpers/web.js" get "http://[2001:db8::1]:$port/"
}

@test "programs: a Go server and its listener of Multipath TCP" {
	(cd "$BATS_TEST_DIRNAME/../helpers/go_web" && GOFLAGS=-mod=mod GOPROXY=off CGO_ENABLED=0 \
		go build -o "$BATS_TEST_TMPDIR/go_web" .)
	in_sandbox go_program
}
go_program() {
	network
	go=$TMP/go_web
	export GODEBUG=multipathtcp=2
	serve go "$go" listen :8080
	# 262: IPPROTO_MPTCP.
	eventually grep -qx 'ready 262' "$TMP/go"
	for server in $SERVER4 "[$SERVER6]"; do
		usn-run ND=usn0 -- "$go" get "http://$server:8080/" | has -x hello
		usn-run ND=usn0 -- curl -gsS -m 5 "http://$server:8080/" | has -x hello
		# With Multipath TCP at both ends.
		usn-run ND=usn0 -- python3 "$ROOT/tests/helpers/mptcp.py" "$server" 8080 | has -x hello
	done
	sent "> $SERVER4\.8080: Flags \[S\].*mptcp" "> $SERVER6\.8080: Flags \[S\].*mptcp"
	kept
	# On the device only, and not for who comes by the host's network.
	not ip netns exec far curl -sS -m 5 http://198.51.100.1:8080/
	not ip netns exec far python3 "$ROOT/tests/helpers/mptcp.py" 198.51.100.1 8080
	kept 'Flags \[R'
	"$go" listen :8081 >"$TMP/outside.go" &
	eventually grep -qx 'ready 262' "$TMP/outside.go"
	ip netns exec far curl -sS -m 5 http://198.51.100.1:8081/ | has -x hello
	ip netns exec far python3 "$ROOT/tests/helpers/mptcp.py" 198.51.100.1 8081 | has -x hello
	leaves '> 192\.0\.2\.1\.8080: Flags \[S\]' "$go" get http://192.0.2.1:8080/
}

@test "programs: a static binary of musl's" {
	musl-gcc -static -O2 -o "$BATS_TEST_TMPDIR/fetch" "$BATS_TEST_DIRNAME/../helpers/fetch.c"
	in_sandbox musl
}
musl() {
	network
	file "$TMP/fetch" | has 'statically linked'
	not grep -qa GLIBC "$TMP/fetch"
	for server in $SERVER4 $SERVER6; do
		port=$(web $server)
		usn-run ND=usn0 -- "$TMP/fetch" $server "$port" / | has -x hello
		sent "> $server\.$port: Flags \[S\]"
	done
	kept
	leaves '> 192\.0\.2\.1\.80: Flags \[S\]' "$TMP/fetch" 192.0.2.1 80 /
}

@test "programs: xterm on an X server elsewhere by --except x11, and telnet in it on the device" { in_sandbox xterm_elsewhere; }
xterm_elsewhere() {
	network
	account alice secret
	telnet_server
	x_server
	# The X server is reached, and of its host nothing but that: telnet goes to the device.
	xterm_run --except x11 DISPLAY=192.0.2.1:1 -- sh -c "nc -z -w 1 192.0.2.1 23; exec telnet $SERVER4" &
	app=$!
	in_window XTerm
	eventually picture
	log_in alice secret
	on_server xdotool type $'exit\r'
	wait $app
	sent '> 192\.0\.2\.1\.23: Flags \[S\]' "> $SERVER4\.23: Flags \[P"
	not grep -E '192\.0\.2\.1\.6001' "$TMP/usn0"
	kept '> 192\.0\.2\.1\.6001:'
}

@test "programs: xterm on an X server elsewhere does not open without the exemption" { in_sandbox xterm_refused; }
xterm_refused() {
	network
	x_server
	xterm_run DISPLAY=192.0.2.1:1 -- &
	app=$!
	sent '> 192\.0\.2\.1\.6001: Flags \[S\]'
	# It waits for an answer from the device.
	kill -0 $app
	on_server xwd -root -silent -out "$TMP/after.xwd"
	# Not cmp: xwd of Debian 13 leaves the padding of its colour map as it finds it.
	[ "$(python3 "$ROOT/tests/helpers/shot.py" "$TMP/empty.xwd" "$TMP/after.xwd" | cut -d' ' -f 3)" = 0 ]
	kept
}

@test "programs: xterm on a nested X server outside the run, without an exemption" { in_sandbox xterm_nested; }
xterm_nested() {
	network
	account alice secret
	telnet_server
	x_server
	# As everywhere; but seen by this test only.
	install -d -m 1777 /tmp/.X11-unix
	mount -t tmpfs tmpfs /tmp/.X11-unix
	DISPLAY=192.0.2.1:1 Xephyr :2 -screen 600x400 -nolock -displayfd 5 5>"$TMP/nested" 2>"$TMP/nested.log" &
	eventually grep -qx 2 "$TMP/nested"
	in_window Xephyr
	xterm_run DISPLAY=:2 -- telnet $SERVER4 &
	app=$!
	eventually picture
	log_in alice secret
	on_server xdotool type $'exit\r'
	wait $app
	sent "> $SERVER4\.23: Flags \[S\]" "> $SERVER4\.23: Flags \[P"
	not grep -vE "> ($SERVER4\.23:|ff02::)" "$TMP/usn0"
	kept '> 192\.0\.2\.1\.6001:'
	# Nothing needed one.
	[ "$(verdict usn0 exempted)" = 0 ]
}
