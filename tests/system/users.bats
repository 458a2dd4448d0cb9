#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Users other than root, by what the device's file says. With systemd as process 1: systemd.bats.

load lib
load ../helpers/net
load ../helpers/tap

# as UID [GROUP] -- COMMAND...
as() {
	# What is traced of a function would be taken for what the command says.
	{ set +x; } 2>/dev/null
	local uid=$1 groups=--clear-groups
	shift
	[ "$1" = -- ] || { groups=--groups=$1; shift; }
	shift
	setpriv --reuid="$uid" --regid="$uid" "$groups" -- "$@"
}

# attack UID HOW METHOD [PARAMETERS]: the helper by its text, as its file need not be readable for everybody.
attack() {
	local uid=$1
	shift
	as "$uid" -- python3 -c "$(cat "$ROOT/tests/helpers/varlink.py")" "$@"
}

# The agent as others see it, without the tools.
varlink() { python3 "$ROOT/tests/helpers/varlink.py" "$@"; }

device_for() {
	mkdir -p /etc/usn
	printf '[Device]\nPeer=echo\n' >/etc/usn/usn0.conf
	printf '%s\n' "$@" >>/etc/usn/usn0.conf
	usn up usn0
}

@test "users: who is named in the file, by user or any of his groups, and nobody else" { in_sandbox named; }
named() {
	# Debian 13's ping has no rights of its own: systemd lets every user ping at boot.
	echo 0 2147483647 >/proc/sys/net/ipv4/ping_group_range
	device_for User=4001 Group=4100
	as 4001 -- usn-run ND=usn0 -- ping -qc 1 -W 5 10.64.0.2
	as 4002 4100 -- usn-run ND=usn0 -- ping -qc 1 -W 5 10.64.0.2
	as 4100 -- usn-run ND=usn0 -- true
	fails 125 'usn0 is not for 4003: the line User=4003 below [Device] in /etc/usn/usn0.conf would allow it' \
		as 4003 4101 -- usn-run ND=usn0 -- true
	# Nothing is left of it, and the file counts anew each time.
	[ "$(usn show --json usn0 | value "len(d['runs'])")" = 0 ]
	sed -i 's/^User=.*/User=4003 4004/' /etc/usn/usn0.conf
	as 4003 -- usn-run ND=usn0 -- true
	fails 125 'usn0 is not for 4001' as 4001 -- usn-run ND=usn0 -- true
	rm /etc/usn/usn0.conf
	fails 125 'usn0 is not for 4003' as 4003 -- usn-run ND=usn0 -- true
	usn-run ND=usn0 -- true
}

@test "users: a file with an error lets nobody in, and the command line names nobody" { in_sandbox wrong_file; }
wrong_file() {
	device_for User=4001
	echo 'User=no-such-one' >>/etc/usn/usn0.conf
	fails 125 '/etc/usn/usn0.conf:4: User=no-such-one: there is none of this name' as 4001 -- usn-run ND=usn0 -- true
	fails 1 '/etc/usn/usn0.conf:4' usn up usn0
	printf '[Device]\nUser=\n' >/etc/usn/usn0.conf
	fails 125 'usn0 is not for 4001' as 4001 -- usn-run ND=usn0 -- true
	fails 2 'User= counts in the device' usn up usn1 User=4001
}

@test "users: what is root's is refused by the agent itself" { in_sandbox roots_own; }
roots_own() {
	local method
	device_for User=4001
	for method in Up Down Bind Unbind Ambient; do
		attack 4001 once $method '{"device":"usn0","on":true,"cgroup":"/","force":true}' |
			has '"error":"io.usn.Denied"'
	done
	usn show usn0
	fails 1 root as 4001 -- usn down usn0
	usn up usn1
	as 4001 -- usn list | has '^usn0 '
	as 4001 -- usn list | not has '^usn1 '
}

# calls: METHOD WHO PARAMETERS, a line for each method of the agent: who may call it.
calls() {
	cat <<-'END'
		Up      ROOT  {"device": "usn1", "settings": []}
		Down    ROOT  {"device": "usn1"}
		List    ALL   {}
		Run     NAMED {"device": "usn0"}
		Rig     NAMED {"device": "usn0"}
		Tap     NAMED {"devices": ["usn0"]}
		TapMap  ALL   {"map": "bell"}
		TapAdd  NAMED {"device": "usn0"}
		TapLink ALL   {}
		Ambient ROOT  {}
		Bind    ROOT  {"device": "usn0", "cgroup": "none"}
		Unbind  ROOT  {"cgroup": "none"}
		Yield   ROOT  {}
	END
}

# denied UID METHOD PARAMETERS: prints why the agent does not let the user call it; nothing: it does.
denied() {
	attack "$1" once "$2" "$3" | sed -n 1p |
		value 'd["parameters"]["message"] if d.get("error") == "io.usn.Denied" else ""'
}

@test "users: each method asks who calls it, by a table that has all of them" { in_sandbox each_method; }
each_method() {
	local wing=$ROOT/agent/usnd/service
	# The interface, the agent's own table and the one above have the same methods.
	diff <(calls | awk '{ print $1 }' | sort) <(sed -n 's/^method \([A-Za-z]*\)(.*/\1/p' "$wing/io.usn.varlink" | sort)
	diff <(calls | awk '{ print $1, $2 }' | sort) \
		<(sed -n 's/^\t{ "\([A-Za-z]*\)", method_[a-z_]*, CALL_\([A-Z]*\),.*/\1 \2/p' "$wing/methods.c" | sort)
	device_for User=4001
	calls | while read -r method who parameters; do
		unnamed=$(denied 4002 "$method" "$parameters")
		named=$(denied 4001 "$method" "$parameters")
		root=$(denied 0 "$method" "$parameters")
		case $who in
		ROOT) [[ $unnamed$named == "only root may do that"*"only root may do that"* ]] ;;
		NAMED) [[ $unnamed == 'usn0 is not for 4002'* && -z $named ]] ;;
		ALL) [[ -z $unnamed$named ]] ;;
		esac
		[ -z "$root" ]
	done
	# What is for all shows a user what is his.
	usn up usn0
	[ "$(attack 4002 once List "{}" | sed -n 1p | value d)" = "{'parameters': {'devices': []}}" ]
	[[ $(denied 4002 List '{"device": "usn0"}') == 'usn0 is not for 4002'* ]]
	[[ $(denied 4002 Tap '{"devices": ["usn0"], "run": "usn0-1"}') == 'usn0 is not for 4002'* ]]
}

@test "users: are moved by the agent, and get no descriptor of the cgroup" { in_sandbox no_descriptor; }
no_descriptor() {
	local said
	device_for User=4001
	said=$(attack 4001 once Run '{"device":"usn0"}')
	# With a descriptor of cgroup.procs anybody's process could be moved: there is none, and the asker is inside.
	head -n 1 <<<"$said" | value "d['parameters']['entered']" | has -x True
	[ "$(sed -n 2p <<<"$said")" = 0 ]
	sed -n 3p <<<"$said" | has 'usn/usn0-[0-9]*$'
	# Root has one, and is where it was.
	said=$(varlink once Run '{"device":"usn0"}')
	[ "$(sed -n 2p <<<"$said")" = 1 ]
	sed -n 3p <<<"$said" | not has 'usn/usn0'
}

@test "users: a connection whose process has ended moves nobody" { in_sandbox orphans; }
orphans() {
	device_for User=4001
	# The process that connected has ended: its number may be anybody's.
	as 4001 -- python3 -c "$(cat "$ROOT/tests/helpers/orphan.py")" | has '"errno":'
	eventually bash -c '[ "$(usn show --json usn0 | grep -c cgroup)" = 0 ] || usn show --json usn0 | grep -q "\"runs\":\[\]"'
}

@test "users: cannot use up the agent's connections or the kernel's memory" { in_sandbox limits; }
limits() {
	device_for User=4001
	[ "$(attack 4001 many List)" = 64 ]
	[ "$(attack 4001 many Tap '{"devices":["usn0"],"ring_bytes":4096,"snaplen":64}')" = 8 ]
	attack 4001 once Tap '{"devices":["usn0"],"ring_bytes":134217728}' | has '64 MiB'
	attack 4001 once Tap "{\"devices\":[$(printf '"usn0",%.0s' {1..64})\"usn0\"]}" | has 'at most 64 devices'
	usn list
}

@test "users: cannot keep more of the kernel's memory by closing connections" { in_sandbox kept_rings; }
kept_rings() {
	local said
	device_for User=4001
	# The descriptor of a ring is its memory, whether the connection is there or not.
	said=$(attack 4001 keep Tap '{"devices":["usn0"],"ring_bytes":4096,"snaplen":64}')
	same "16 True" "$(sed -n '1p;3p' <<<"$said" | xargs)"
	sed -n 2p <<<"$said" | has 'a user holds at most 16 rings'
	# He has his share again when he has let go.
	eventually bash -c "attack 4001 once Tap '{\"devices\":[\"usn0\"]}' | grep -q constants"
}

# refused UID METHOD PARAMETERS: prints the agent's words, with which no descriptor has come.
refused() {
	local said
	said=$(attack "$1" once "$2" "$3")
	same 0 "$(sed -n 2p <<<"$said")"
	head -n 1 <<<"$said" | value "d['error'], d['parameters']['message']"
}

# The BPF maps that the agent has open.
maps_are() { [ "$(maps)" = "$1" ]; }
maps() { grep -h ^map_id: /proc/"$(agent_pid)"/fdinfo/* 2>/dev/null | sort -u | wc -l; }

@test "users: who is named for no device gets no tap, and no memory" { in_sandbox no_tap; }
no_tap() {
	local devices not_for
	device_for User=4001
	usn up usn1
	before=$(maps)
	not_for="('io.usn.Denied', 'usn%s is not for %s: the line User=%s below [Device] in /etc/usn/usn%s.conf would allow it')"
	# shellcheck disable=SC2059
	for devices in '["usn0"]' '["usn0","usn1"]' '["usn0","nonsense"]' '["usn0",7]'; do
		same "$(printf "$not_for" 0 4003 4003 0)" "$(refused 4003 Tap "{\"devices\":$devices,\"ring_bytes\":67108864}")"
	done
	# Whoever may use one device has a tap for that one, and for no device there is none.
	# shellcheck disable=SC2059
	same "$(printf "$not_for" 1 4001 4001 1)" "$(refused 4001 Tap '{"devices":["usn0","usn1"]}')"
	for devices in '{}' '{"devices":[]}'; do
		same "('io.usn.Invalid', \"the parameter 'devices' is missing\")" "$(refused 4001 Tap "$devices")"
	done
	for devices in '"usn0"' '{"usn0":0}' 0; do
		refused 4003 Tap "{\"devices\":$devices}" | has "'devices' is not a list"
	done
	refused 4003 TapAdd '{"device":"usn0"}' | has 'usn0 is not for 4003'
	same 0 "$(attack 4003 many Tap '{"devices":["usn0"],"ring_bytes":67108864}')"
	same 0 "$(attack 4001 many Tap '{"ring_bytes":67108864}')"
	same "$before" "$(maps)"
	# A tap that is permitted shows in that number, and goes to no other device.
	hold tap attack 4001 pair Tap '{"devices":["usn0"],"ring_bytes":4096}' TapAdd '{"device":"usn1"}'
	# shellcheck disable=SC2059
	same "$(printf "$not_for" 1 4001 4001 1)" "$(head -n 1 "$TMP/tap" | value "d['error'], d['parameters']['message']")"
	[ "$(maps)" -gt "$before" ]
	release tap
	eventually maps_are "$before"
}

# What a path that the agent would open could tell: a folder of root's, a file in it, and nothing.
@test "users: no path of theirs is opened, and no answer tells what is in root's folders" { in_sandbox no_paths; }
no_paths() {
	local what call uid texts on
	device_for User=4001
	mkdir -m 700 "$TMP/private"
	mkdir "$TMP/private/folder"
	touch "$TMP/private/file"
	# Root's own question tells them apart, so the paths are right.
	for what in folder file nothing; do
		varlink once Bind "{\"device\":\"usn0\",\"cgroup\":\"../../../../../..$TMP/private/$what\"}"
	done | grep -o 'Invalid argument\|Not a directory\|No such file' | sort -u | wc -l | has -x 3
	for uid in 4001 4003; do
		for call in Tap:run Tap:cgroup Bind:cgroup Unbind:cgroup Ambient:cgroup Up:device Down:device List:device Run:device \
			Rig:device TapAdd:device; do
			on='"device":"usn0"'
			[ "${call%:*}" != Tap ] || on='"devices":["usn0"]'
			texts=$(for what in folder file nothing; do
				refused $uid "${call%:*}" "{$on,\"${call#*:}\":\"../../../../../..$TMP/private/$what\"}" |
					sed "s,private/$what,private/WHAT,"
			done | sort -u)
			same 1 "$(wc -l <<<"$texts")"
		done
	done
	refused 4001 Tap '{"devices":["usn0"],"run":"../system.slice"}' | has "there is no run '../system.slice'"
	refused 4001 Tap '{"devices":["usn0"],"cgroup":"/"}' | has "there is no parameter 'cgroup'"
}

@test "users: usn tail of a run of theirs, by its name, and of no other" { in_sandbox own_runs; }
own_runs() {
	local run other
	device_for User=4001
	usn up usn1
	# Not by the function: the process is to be the one that is waited for.
	for name in one two; do steps $name setpriv --reuid=4001 --regid=4001 --clear-groups -- usn-run ND=usn0 --; done
	steps roots usn-run ND=usn1 --
	for name in one two roots; do expect "$name" ok 's = make(V4, UDP)'; done
	run=$(run_of one)
	as 4001 -- usn tail -c 1 --json -r "$run" usn0 >"$TMP/file" 2>"$TMP/file.err" &
	tail_pid=$!
	eventually grep -q 'listening on' "$TMP/file.err"
	for name in two one; do expect "$name" 1 "s.sendto(b'x', ('10.64.0.2', 9))"; done
	wait $tail_pid
	same "$(pid_of one)" "$(rows file pid)"
	other=$(run_of roots)
	for run in "$other" nonsense usn0-4711 /; do
		fails 1 "there is no run '$run'" as 4001 -- usn tail -r "$run" usn0
	done
	usn tail -c 1 -r "$other" usn1 2>"$TMP/roots.err" &
	eventually grep -q 'listening on' "$TMP/roots.err"
	fails 1 "there is no run 'nonsense'" usn tail -r nonsense usn0
}

@test "users: a filter that is none is refused" { in_sandbox bad_filters; }
bad_filters() {
	local filter
	device_for User=4001
	# A jump beyond the end, an instruction there is none of, no end, one that is none, jumps that no
	# byte has (the second one times 256 is 2^64), and far too many.
	for filter in '[[5,0,0,4294967295],[6,0,0,1]]' '[[255,0,0,0],[6,0,0,1]]' '[[0,0,0,0]]' '[[6,0,0]]' '[["6",0,0,0]]' \
		'[[6,-1,0,1]]' '[[6,72057594037927936,0,1]]' '[]' "[$(printf '[6,0,0,1],%.0s' {1..4096})[6,0,0,1]]"; do
		attack 4001 once Tap "{\"devices\":[\"usn0\"],\"filter\":$filter}" | has '"error":'
	done
	usn list
}

@test "users: usn tail, with a filter, and what it leaves" { in_sandbox tails; }
tails() {
	device_for User=4001
	as 4001 -- usn tail -Q out -c 2 --json usn0 udp and port 7 >"$TMP/tail" 2>"$TMP/tail.err" &
	tail_pid=$!
	eventually grep -q 'listening on' "$TMP/tail.err"
	as 4001 -- usn-run ND=usn0 -- bash -c 'echo one >/dev/udp/10.64.0.2/9; echo two >/dev/udp/10.64.0.2/7; echo three >/dev/udp/10.64.0.2/7'
	wait $tail_pid
	[ "$(wc -l <"$TMP/tail")" = 2 ]
	has '"comm":"bash"' <"$TMP/tail"
	fails 1 'usn0 is on the list twice' as 4001 -- usn tail usn0 usn0
	usn up usn1
	fails 1 'usn1 is not for 4001' as 4001 -- usn tail usn0 usn1
	fails 1 'only root can follow all devices' as 4001 -- usn tail all
	# Whatever way it ends, nothing stays in the kernel.
	as 4001 -- usn tail -w /dev/null usn0 2>"$TMP/killed.err" &
	eventually grep -q 'listening on' "$TMP/killed.err"
	# The shell's own process stands between.
	tail_pid=$(pgrep -P $!)
	links "$tail_pid" >"$TMP/links"
	[ "$(wc -l <"$TMP/links")" = 2 ]
	while read -r id; do
		show_link id "$id"
	done <"$TMP/links"
	kill -9 "$tail_pid"
	while read -r id; do
		eventually not show_link id "$id"
	done <"$TMP/links"
}

# A folder as the login of a user gives it to him, and what he has in it is his alone.
session_of() {
	export XDG_RUNTIME_DIR=/run/user/$1
	install -d /run/user
	install -d -m 700 -o "$1" "$XDG_RUNTIME_DIR"
}

@test "users: usn record and usn dump, each user's apart" { in_sandbox own_recorders; }
own_recorders() {
	device_for User=4001 Group=4100
	session_of 4001
	as 4001 -- usn record -Q out usn0 udp and port 7 2>"$TMP/record.err" &
	eventually grep -qx 'recording usn0, the last 64M' "$TMP/record.err"
	fails 1 'usn0 is being recorded already' as 4001 -- usn record usn0
	as 4001 -- usn-run ND=usn0 -- bash -c 'echo one >/dev/udp/10.64.0.2/9; echo two >/dev/udp/10.64.0.2/7'
	as 4001 -- usn dump -w - usn0 2>"$TMP/dump.err" >"$TMP/dump"
	has '^1 packets from .*; 0 forgotten, 0 lost$' <"$TMP/dump.err"
	tshark -n -r "$TMP/dump" -T fields -e udp.dstport 2>/dev/null | has -x 7
	# Root records beside him, and the two do not find each other.
	fails 1 'nobody records usn0' usn dump -w "$TMP/root" usn0
	usn record usn0 2>"$TMP/root.err" &
	eventually grep -q '^recording ' "$TMP/root.err"
	fails 1 'there are no packets' usn dump -w "$TMP/root" usn0
	fails 1 'only root' as 4001 -- usn tail all
	# Who may not use the device, and who has no folder.
	fails 1 'usn0 is not for 4003' as 4003 -- usn record usn0
	fails 1 'set XDG_RUNTIME_DIR' as 4001 -- env -u XDG_RUNTIME_DIR usn record usn0
	fails 1 'set XDG_RUNTIME_DIR' as 4001 -- env -u XDG_RUNTIME_DIR usn dump -w - usn0
	fails 1 'too long' as 4001 -- env XDG_RUNTIME_DIR="/$(printf '%0100d')" usn record usn0
	fails 1 "cannot make /run/user/4001/usn: Permission denied" as 4002 4100 -- usn record usn0
}

@test "users: usn-run --dump-on-failure of a user" { in_sandbox on_failure; }
on_failure() {
	device_for User=4001
	session_of 4001
	status=0
	as 4001 -- usn-run --dump-on-failure="$XDG_RUNTIME_DIR/f" ND=usn0 -- \
		bash -c 'echo one >/dev/udp/10.64.0.2/7; exit 3' 2>&1 | cat >"$TMP/said" || :
	has "the program ended with status 3: $XDG_RUNTIME_DIR/f has [1-9]" <"$TMP/said"
	same 4001 "$(stat -c %u "$XDG_RUNTIME_DIR/f")"
	tshark -n -r "$XDG_RUNTIME_DIR/f" -T fields -e udp.dstport 2>/dev/null | has -x 7
}
