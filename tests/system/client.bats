#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The tools and an agent that answers otherwise than ours: they say what is wrong, or print "?", and
# end as they should.

load lib

# answer JSON: the agent, from now on, answers so to whoever connects.
answer() {
	mkdir -p /run/usn
	rm -f /run/usn/usnd.sock
	printf '%s\0' "$1" >"$TMP/answer"
	socat UNIX-LISTEN:/run/usn/usnd.sock,fork SYSTEM:"cat $TMP/answer" &
	eventually test -S /run/usn/usnd.sock
}

@test "client: a text that the agent leaves out is a question mark" { in_sandbox no_text; }
no_text() {
	answer '{"parameters": {"warnings": [7], "on": true, "devices": [
		{"addresses": [7], "except": [null], "dns": [{}], "runs": [{}]}]}}'
	usn list | has '^? DOWN ? peer ? out 0'
	usn show usn0 | has '^  except     ?$'
	usn ambient show | has '^  devices  ?$'
	[ "$(usn up usn0 2>&1)" = "usn up: warning: ?" ]
	sleep infinity &
	fails 2 "'?' is no exemption" usn bind --pid $! usn0
}

@test "client: an answer without the device is an error" { in_sandbox missing_device; }
missing_device() {
	for devices in '[]' '["usn0"]' '{}'; do
		answer "{\"parameters\": {\"devices\": $devices}}"
		fails 1 "the agent's answer to List has no device" usn show usn0
		fails 1 "the agent's answer to List has no device" usn show --json usn0
	done
	fails 125 "the agent's answer to Run lacks a descriptor" usn-run ND=usn0 -- true
}

@test "client: an error without a text has its name, or says so" { in_sandbox silent; }
silent() {
	answer '{"error": "io.usn.Busy", "parameters": {"errno": 16, "message": ""}}'
	fails 1 "usn down: io.usn.Busy" usn down usn0
	answer '{"error": ""}'
	fails 1 "usn down: the agent refuses, and does not say why" usn down usn0
}
