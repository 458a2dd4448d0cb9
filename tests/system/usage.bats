#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Which words a command takes: usage errors, --help and --version of every verb and program.

load lib

@test "usage errors of every verb and program" { in_sandbox usage; }
usage() {
	fails 2 "there is no command 'nonsense'" usn nonsense
	fails 2 "there is no command ''" usn ""
	fails 2 "" usn -x
	fails 2 "" usn --nonsense
	for verb in up down list show rig tail; do
		fails 2 "wrong option '--nonsense'" usn $verb --nonsense usn0
		fails 2 "wrong option '-x'" usn $verb -x usn0
	done
	fails 2 "which device?" usn up
	fails 2 "which device?" usn up MTU=1400
	fails 2 "which device?" usn down
	fails 2 "which device?" usn down --force
	fails 2 "unexpected 'usn0'" usn list usn0
	fails 2 "which device?" usn show
	fails 2 "" usn show usn0 usn1
	fails 2 "which device?" usn rig
	fails 2 "which command?" usn rig usn0
	fails 2 "which command?" usn rig usn0 --
	fails 2 "which device?" usn tail
	fails 1 "usn0 is not up" usn tail usn0 usn1
	fails 2 "not a device name" usn tail eth0 tcp
	fails 2 "-W needs -C or -G" usn tail -W 3 -w "$TMP/file" usn0
	fails 2 "need -w FILE" usn tail -C 1 usn0
	fails 2 "-B '3K'" usn tail -B 3K usn0
	fails 2 "-Q 'up'" usn tail -Q up usn0
	fails 2 "-c '0'" usn tail -c 0 usn0
	fails 2 "-c 'x'" usn tail -c x usn0
	fails 2 "-s '65536'" usn tail -s 65536 usn0
	fails 2 "exclude each other" usn tail --json -w - usn0
	fails 2 "wrong option '-c'" usn tail -c
	for verb in up down show tail; do
		fails 2 "'eth0' is not a device name: use usn0 to usn4095" usn $verb eth0
		fails 2 "'usn4096' is not a device name" usn $verb usn4096
	done
	fails 2 "'eth0' is not a device name" usn rig eth0 true
	fails 2 "'usn00' is not a device name" usn up usn1 usn00 usn2
	fails 2 "nonsense" usnd --nonsense
	fails 2 "unexpected argument 'usn0'" usnd usn0
	fails 2 "" usnd --ephemeral=yes
	fails 125 "--nonsense" usn-run --nonsense ND=usn0 -- true
	fails 125 "-u" usn-run -u
	fails 125 "'=x' is not NAME=VALUE" usn-run ND=usn0 =x true
	fails 125 "which command?" usn-run
	fails 125 "cannot change to '/nowhere'" usn-run -C /nowhere ND=usn0 -- true
	# Without a word at all the usage is what is wanted.
	status=0
	usn >"$TMP/out" 2>"$TMP/err" || status=$?
	[ $status = 2 ] && [ ! -s "$TMP/out" ]
	grep '^usage: usn COMMAND' "$TMP/err"
	nothing_left
}

@test "usage errors of options that stand together" { in_sandbox options_together; }
options_together() {
	# Short options in one word: it is that word which is wrong.
	fails 2 "wrong option '-jx'" usn list -jx
	fails 2 "wrong option '-xj'" usn list -xj
	fails 2 "wrong option '-fx'" usn down -fx usn0
	fails 2 "wrong option '-jxc'" usn tail -jxc 1 usn0
	fails 125 "wrong option '-iZ'" usn-run -iZ ND=usn0 -- true
}

# help_of COMMAND...: exits 0, says it on stdout, and nothing on stderr.
help_of() {
	"$@" >"$TMP/out" 2>"$TMP/err"
	[ ! -s "$TMP/err" ]
	grep '^usage: ' "$TMP/out"
}

@test "--help and --version of every verb and program" { in_sandbox helps; }
helps() {
	help_of usn --help
	help_of usn -h
	help_of usn help
	for verb in up down list show rig tail; do
		help_of usn $verb --help
		grep "^usage: usn $verb" "$TMP/out"
		help_of usn $verb -h
	done
	help_of usn-run --help
	help_of usnd --help
	for program in usn usn-run usnd; do
		[[ "$($program --version)" =~ ^"$program "[0-9]+\.[0-9]+\.[0-9]+$ ]]
	done
	# Everybody may read it, and it starts nothing.
	setpriv --reuid 65534 --clear-groups usnd --help >/dev/null
	nothing_left
}
