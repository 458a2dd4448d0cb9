#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The conformance suite (docs/conformance.md): usn-run passes all of it, and it can see a leak.

run_cases() {
	"$BATS_TEST_DIRNAME/../conformance/run" "$@"
}

@test "conformance: usn-run passes every case" {
	run_cases --tap --backend usn-run >"$BATS_TEST_TMPDIR/tap" || { grep -v '^ok' "$BATS_TEST_TMPDIR/tap"; false; }
	[ "$(grep -c '^ok' "$BATS_TEST_TMPDIR/tap")" = "$(sed -n 's/^1\.\.//p' "$BATS_TEST_TMPDIR/tap")" ]
}

@test "conformance: it sees the leaks of a bind alone" {
	local leaks=(mptcp IP_PKTINFO SO_BINDTODEVICE 'join, v4' 'join, v6' 'number taken, old udp4'
		'answer: closed port, tcp4' 'answer: closed port, udp6' 'answer: echo4' 'answer: killed, tcp6')
	! run_cases --tap --backend plain udp4 "${leaks[@]}" >"$BATS_TEST_TMPDIR/tap" || false
	for name in "${leaks[@]}"; do
		grep "^not ok .* plain: $name - LEAK" "$BATS_TEST_TMPDIR/tap"
	done
	grep "^ok .* plain: udp4 - right" "$BATS_TEST_TMPDIR/tap"
}

@test "conformance: it runs with ip netns exec, and sees no leak but of who enters another" {
	run_cases --tap --backend 'ip netns exec' >"$BATS_TEST_TMPDIR/tap" || true
	grep "^ok .* ip netns exec: udp4 - right" "$BATS_TEST_TMPDIR/tap"
	grep -E 'LEAK|broken' "$BATS_TEST_TMPDIR/tap" >"$BATS_TEST_TMPDIR/leaks"
	[ "$(sed 's/^not ok [0-9]* //' "$BATS_TEST_TMPDIR/leaks")" = 'ip netns exec: other netns, new socket - LEAK FAIL' ]
	# Its loopback is another.
	grep "^not ok .* loopback, tcp4 - refused" "$BATS_TEST_TMPDIR/tap"
}
