#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Whole lives under valgrind: no leak, and nothing read that was not written.

load lib

# The words before a command; a string, so that "$(grind) command &" is the command's own process.
grind() {
	echo valgrind --quiet "--suppressions=$ROOT/tests/valgrind.supp" --leak-check=full \
		--errors-for-leak-kinds=definite,indirect,possible --error-exitcode=99 "--log-file=$TMP/valgrind.%p"
}

# What valgrind found, but for its own ignorance of newer system calls.
clean() {
	! grep -hvE 'unhandled|WARNING|Set --|could be a bug|Valgrind:|^==[0-9]+== *$|cannot|may go wrong|your own handler|README_MISSING_SYSCALL|consider this a bug|bug_reports' "$TMP"/valgrind.* | grep .
}

agent_answers() { [ -S /run/usn/usnd.sock ] && usn list >/dev/null 2>&1; }

@test "valgrind: two lives of the agent" { in_sandbox life; }
life() {
	$(grind) usnd --foreground &
	agent=$!
	eventually agent_answers
	usn up usn0 usn1 Peer=echo
	usn up usn2 Address=10.9.0.1/24 Except=192.0.2.0/24 MTU=1400
	usn-run ND=usn0 -- ping -c 1 10.64.0.2
	usn-run --except tcp:198.51.100.0/24:80-90 --except local ND=usn1 -- true
	usn-run ND=usn0 -- sleep 100 &
	sleeper=$!
	eventually sh -c 'usn list | grep -q sleep'
	usn rig usn1 -- true
	usn ambient on
	usn ambient show
	usn ambient off
	fails 1 "in use" usn down usn0
	fails 1 "different Address=" usn up usn2 MTU=1300
	fails 2 "unknown key" usn up usn3 Foo=1
	python3 - <<-'END'
		import socket
		for junk in b"junk\0", b"{}\0", b'{"method":7}\0', b'{"method":"io.usn.Up","parameters":[]}\0', b"x" * 100000:
		    s = socket.socket(socket.AF_UNIX)
		    s.connect("/run/usn/usnd.sock")
		    try:
		        s.sendall(junk)
		        s.shutdown(socket.SHUT_WR)
		        s.recv(4096)
		    except OSError:
		        pass
	END
	ip link del usn1
	usn show usn0
	kill "$agent"
	wait "$agent" || { cat "$TMP"/valgrind.*; false; }

	# The next one adopts, and ends with nothing left.
	$(grind) usnd --foreground &
	agent=$!
	eventually agent_answers
	usn list | grep sleep
	kill "$sleeper"
	eventually sh -c '! usn list | grep -q sleep'
	usn down usn0 usn2
	kill "$agent"
	wait "$agent" || { cat "$TMP"/valgrind.*; false; }
	[ ! -e /sys/fs/bpf/usn ]
	clean
}

@test "valgrind: the commands" { in_sandbox commands; }
commands() {
	usn up usn0 Peer=echo
	$(grind) usn list
	$(grind) usn show --json usn0
	$(grind) usn-run ND=usn0 -- true
	$(grind) usn tail -c 2 -w "$TMP/file" usn0 2>"$TMP/err" &
	tail=$!
	eventually grep -q listening "$TMP/err"
	usn-run ND=usn0 -- ping -c 1 10.64.0.2
	wait $tail
	[ "$(capinfos -rTc "$TMP/file" | tail -n 1 | awk '{ print $NF }')" = 2 ]
	clean
}
