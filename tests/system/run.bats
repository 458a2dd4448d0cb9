#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# usn-run: what env(1) does, and the life of a run.

load lib

@test "usn-run: exit statuses are env's, or the application's" { in_sandbox exit_codes; }
exit_codes() {
	usn up usn0
	fails 125 "which device" usn-run -- true
	fails 125 "which command" usn-run ND=usn0
	fails 125 "not a device name" usn-run ND=eth0 -- true
	fails 125 "usn1 is not up" usn-run ND=usn1 -- true
	fails 127 "cannot run 'no-such-program'" usn-run ND=usn0 -- no-such-program
	fails 126 "cannot run '/etc'" usn-run ND=usn0 -- /etc
	usn-run ND=usn0 -- true
	ND=usn0 usn-run true
	for status in 0 1 2 125 126 127 200; do
		got=0
		usn-run ND=usn0 -- bash -c "exit $status" || got=$?
		[ "$got" = "$status" ]
	done
}

@test "usn-run: a run is listed while it lives and leaves nothing behind" { in_sandbox run_lives_and_ends; }
run_lives_and_ends() {
	usn up usn0
	mkfifo "$TMP/end"
	usn-run ND=usn0 -- bash -c "read <'$TMP/end'" &
	app=$!
	eventually sh -c 'usn list --json | grep -q "\"command\": \"bash\""'
	[ "$(show usn0 'd["runs"][0]["processes"][0]["pid"]')" = $app ]
	echo >"$TMP/end"
	wait $app
	[ "$(show usn0 'd["runs"]')" = "[]" ]
	[ -z "$(find "$(cgroup_tree)/usn" -mindepth 1 -type d)" ]
	[ "$(bpftool map dump pinned /sys/fs/bpf/usn/maps/bindings)" = "[]" ]
}
