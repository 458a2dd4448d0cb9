#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Words that only look like UTF-8 come into what the agent and the tools say: one line, valid UTF-8,
# and the agent lives.

load lib

# What looks like a character and is none: too long a form, a half of a pair, beyond the last one,
# cut off.
WRONG='\340\200\257 \355\240\200 \364\220\200\200 \303'
export WRONG

# said STATUS TEXT COMMAND...: as fails, and what it says is valid UTF-8.
said() {
	fails "$@"
	shift 2
	{ "$@" || :; } 2>&1 |
		python3 -c 'import sys; sys.stdin.buffer.read().decode("utf-8", "strict")'
}

@test "utf8: in a device's file: the agent names the line, and lives" { in_sandbox in_a_file; }
in_a_file() {
	usn up usn1
	agent=$(agent_pid)
	mkdir -p /etc/usn
	for bytes in $WRONG; do
		printf "[Device]\nGr${bytes}e=1\n" >/etc/usn/usn0.conf
		said 1 "/etc/usn/usn0.conf:2: unknown key 'Gr?" usn up usn0
		printf "[Device]\nUser=${bytes}\n" >/etc/usn/usn0.conf
		said 1 "/etc/usn/usn0.conf:2: User=?" usn up usn0
	done
	[ "$(agent_pid)" = "$agent" ]
	usn list | has usn1
}

@test "utf8: on the command line: one line, and the agent lives" { in_sandbox in_words; }
in_words() {
	usn up usn1
	agent=$(agent_pid)
	for bytes in $WRONG; do
		word=$(printf "${bytes}")
		said 2 "" usn up usn0 "Peer=$word"
		said 2 "not a device name" usn show "usn$word"
		said 2 "not UTF-8" usn bind --cgroup "/$word" usn1
		said 2 "" usn tail -w "$word" -t "$word" usn1
		said 125 "" usn-run --except "$word" ND=usn1 -- true
		said 125 "not a device name" usn-run ND="usn$word" -- true
	done
	[ "$(agent_pid)" = "$agent" ]
	usn list | has usn1
}
