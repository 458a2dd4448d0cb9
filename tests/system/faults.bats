#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Bad input and faults: one line that says what is wrong, a non-zero status, and nothing half-made left.

load lib
load ../helpers/net

# Once the agent that was started on demand has ended: no interface, pin, cgroup, socket or agent.
nothing_left() {
	eventually no_agent
	[ -z "$(ip -o link show | sed -n '/^[0-9]*: usn[0-9]/p')" ]
	[ ! -e /sys/fs/bpf/usn ] && [ ! -e /sys/fs/bpf/usn-new ]
	[ ! -e /run/usn/usnd.sock ]
	[ -z "$(cgroup_tree)" ] || [ ! -e "$(cgroup_tree)/usn" ]
	[ -z "$(ip -6 route show default)" ]
}


not_root() {
	fails 1 "run this as root" setpriv --reuid 65534 --clear-groups usn list
	fails 1 "run this as root" setpriv --reuid 65534 --clear-groups usn up usn0
	fails 1 "run this as root" setpriv --reuid 65534 --clear-groups usnd
	fails 1 "run this as root" setpriv --reuid 65534 --clear-groups usnd --foreground
	fails 125 "run this as root" setpriv --reuid 65534 --clear-groups usn-run ND=usn0 -- true
	nothing_left
	# Of an agent that runs they get nothing either, as long as no file names them: users.bats.
	usn up usn0
	for verb in "up usn1" "down usn0" "ambient on" "bind --cgroup / usn0"; do
		# shellcheck disable=SC2086
		fails 1 "run this as root" setpriv --reuid 65534 --clear-groups usn $verb
	done
	for verb in "show usn0" "rig usn0 true" "tail -c 1 usn0"; do
		# shellcheck disable=SC2086
		fails 1 "usn0 is not for nobody" setpriv --reuid 65534 --clear-groups usn $verb
	done
	fails 125 "usn0 is not for nobody" setpriv --reuid 65534 --clear-groups usn-run ND=usn0 -- true
	[ -z "$(setpriv --reuid 65534 --clear-groups usn list)" ]
	[ "$(usn list | wc -l)" = 1 ]
}
@test "not root" { in_sandbox not_root; }

without_capabilities() {
	fails 1 "" setpriv --bounding-set -all usn up usn0
	nothing_left
	fails 1 "" setpriv --bounding-set -net_admin usn up usn0
	nothing_left
	fails 1 "" setpriv --bounding-set -sys_admin,-bpf usn up usn0
	nothing_left
}
@test "root in name only" { in_sandbox without_capabilities; }

no_cgroup2() {
	tree=$(cgroup_tree)
	umount "$tree"
	[ -z "$(cgroup_tree)" ]
	fails 1 "no cgroup v2 tree is mounted: mount -t cgroup2" usn up usn0
	fails 125 "no cgroup v2 tree is mounted" usn-run ND=usn0 -- true
	fails 1 "no cgroup v2 tree is mounted" usnd
	nothing_left
	mount -t cgroup2 cgroup2 "$tree"
	usn up usn0
}
@test "no cgroup v2 tree" { in_sandbox no_cgroup2; }

tree_elsewhere() {
	tree=$(cgroup_tree)
	mkdir "$TMP/a tree"
	mount --move "$tree" "$TMP/a tree"
	usn up usn0
	usn-run ND=usn0 -- test -d "$TMP/a tree/usn/usn0-1"
	[ "$(usn-run ND=usn0 -- sed -n 's/^0:://p' /proc/self/cgroup)" = /usn/usn0-2 ]
	# A mount of a part of the tree is not taken for it, whichever stands first.
	mkdir "$TMP/part"
	mount --bind "$TMP/a tree/usn" "$TMP/part"
	end_agent KILL
	usn-run ND=usn0 -- sh -c '[ -d "$0/usn0-1" ] && [ ! -e "$0/usn" ]' "$TMP/part"
	usn down usn0
	eventually no_agent
}
@test "a cgroup v2 tree somewhere else, with a space in its name" { in_sandbox tree_elsewhere; }

no_btf() {
	mount -t tmpfs tmpfs /sys/kernel/btf
	fails 1 "the kernel has no BTF" usn up usn0
	fails 125 "the kernel has no BTF" usn-run ND=usn0 -- true
	fails 1 "the kernel has no BTF" usnd --foreground
	nothing_left
	umount /sys/kernel/btf
	usn up usn0
}
@test "no BTF" { in_sandbox no_btf; }

no_tun() {
	mount -t tmpfs tmpfs /dev/net
	fails 1 "/dev/net/tun is missing: modprobe tun" usn up usn0
	fails 1 "/dev/net/tun is missing" usn up usn0
	nothing_left
	# A node that is no TUN.
	mknod /dev/net/tun c 1 3
	fails 1 "usn0" usn up usn0
	rm /dev/net/tun
	mkdir /dev/net/tun
	fails 1 "/dev/net/tun" usn up usn0
	nothing_left
	umount /dev/net
	usn up usn0
}
@test "no /dev/net/tun" { in_sandbox no_tun; }

no_bpffs() {
	while mountpoint -q /sys/fs/bpf; do
		umount /sys/fs/bpf
	done
	usn up usn0 Peer=echo
	[ "$(stat -f -c %T /sys/fs/bpf)" = bpf_fs ]
	[ -e /sys/fs/bpf/usn/maps/bindings ]
	usn-run ND=usn0 -- ping -n -q -c 1 10.64.0.2
	usn down usn0
	nothing_left
	# Where none can be mounted.
	umount /sys/fs/bpf
	mount -t tmpfs tmpfs /sys/fs
	fails 1 "/sys/fs/bpf is no BPF file system and cannot be made one" usn up usn0
	umount /sys/fs
	nothing_left
}
@test "no BPF file system: the agent mounts one" { in_sandbox no_bpffs; }

name_taken() {
	ip tuntap add dev usn0 mode tun
	ip link set usn0 mtu 1234
	ip tuntap add dev usn1 mode tap
	ip link add usn2 type veth peer name usn3
	before=$(ip -json -details link show)
	for d in usn0 usn1 usn2 usn3; do
		fails 1 "the name $d is taken by an interface that is not usn's" usn up $d
	done
	[ -z "$(usn list)" ]
	fails 1 "usn0 is not up" usn down usn0
	fails 1 "usn0 is not up" usn down --force usn0
	fails 1 "usn0 is not up" usn rig usn0 -- true
	fails 125 "usn0 is not up" usn-run ND=usn0 -- true
	# Untouched, by the agent's end, too.
	[ "$(ip -json -details link show)" = "$before" ]
	eventually no_agent
	[ ! -e /sys/fs/bpf/usn ]
	[ "$(ip -json -details link show)" = "$before" ]
	# With the name free it works.
	ip link del usn0
	usn up usn0
}
@test "a name that is taken by somebody else's interface" { in_sandbox name_taken; }

address_used() {
	ip tuntap add dev other mode tap
	ip link set other up
	ip addr add 192.0.2.1/24 dev other
	ip addr add 2001:db8::1/64 dev other nodad
	ip addr add 192.0.2.99/32 dev lo
	fails 1 "the address 192.0.2.1/24 is already used by other" usn up usn0 Address=192.0.2.1/24
	fails 1 "is already used by other" usn up usn0 Address=192.0.2.1/16
	fails 1 "the address 2001:db8::1/64 is already used by other" usn up usn0 Address=198.51.100.1/24 Address=2001:db8::1/64
	fails 1 "is already used by lo" usn up usn0 Address=192.0.2.99/24
	nothing_left
	usn up usn0
	fails 1 "the address 10.64.0.1/24 is already used by usn0" usn up usn1 Address=10.64.0.1/24
	fails 1 "is already used by usn0" usn up usn1 Address=fd75:736e::1/64
	no_device usn1
	[ "$(bpftool -j map dump pinned /sys/fs/bpf/usn/maps/devices | value 'len(d)')" = 1 ]
	# Only the address counts, its network may be shared.
	usn up usn1 Address=10.64.0.2/24 Address=192.0.2.2/24
	usn down usn1
	# Where programs may bind to what is not there, too.
	echo 1 >/proc/sys/net/ipv4/ip_nonlocal_bind
	usn up usn1 Address=10.64.0.3/24
}
@test "an address that is used already" { in_sandbox address_used; }

address_used_below() {
	# The interface is down, and will have the address again.
	ip tuntap add dev other mode tap
	ip addr add 192.0.2.1/24 dev other
	fails 1 "is already used by other" usn up usn0 Address=192.0.2.1/24
}
@test "an address that an interface has which is down" { in_sandbox address_used_below; }

bad_words() {
	for word in Address= Address=10.64.0.1 Address=10.64.0.1/33 Address=10.64.0.1/0 Address=10.64.0.1/x \
		Address=10.64.0/24 Address=10.64.0.256/24 Address=fd00::1/129 Address=fd00:::1/64 Address=127.0.0.1/8 \
		Address=::1/128 Address=224.0.0.1/24 Address=0.0.0.0/24 Address=nonsense/24 \
		MTU= MTU=67 MTU=65536 MTU=-1 MTU=1500x MTU=0x500 MTU=99999999999999999999 \
		Peer= Peer=Echo Peer=rig; do
		fails 2 "${word%%=*}=" usn up usn0 "$word"
	done
	fails 2 "unknown key 'Foo'" usn up usn0 Foo=1
	fails 2 "unknown key 'mtu'" usn up usn0 mtu=1500
	fails 2 "unknown key ''" usn up usn0 =1
	fails 2 "given twice" usn up usn0 Address=10.64.0.1/24 Address=10.64.0.1/24
	# IPv6 needs 1280.
	fails 2 "MTU=1279 is too small for fd75:736e::1/64" usn up usn0 MTU=1279
	fails 2 "MTU=68 is too small for 2001:db8::1/64" usn up usn0 MTU=68 Address=10.64.0.1/24 Address=2001:db8::1/64
	nothing_left
	# One wrong word, and none of the devices is made.
	fails 2 "unknown key" usn up usn0 usn1 Foo=1
	nothing_left
}
@test "up: malformed address, prefix, MTU, peer; unknown key" { in_sandbox bad_words; }

not_utf8() {
	fails 2 "" usn up usn0 $'Foo=\xff'
	fails 2 "" usn up usn0 $'Address=10.9.9.1/24\xff'
	fails 2 "" usn up usn0 $'MTU=1400\xc3'
	nothing_left
}
@test "up: a word that is not UTF-8 is refused, not left out" { in_sandbox not_utf8; }

long_words() {
	# A character must not be cut in two, wherever the text is shortened.
	for n in {36..42} {56..62}; do
		x=$(printf "%${n}s" | tr ' ' x)
		fails 2 "unknown key" usn up usn0 "${x}äöüäöüäöü=1"
		fails 2 "not an IPv4 or IPv6 address" usn up usn0 "Address=${x:12}äöüäöü/24"
	done
	fails 2 "unknown key" usn up usn0 "$(printf '%5000s' '' | tr ' ' x)=1"
	nothing_left
}
@test "up: long words in any language" { in_sandbox long_words; }

control_characters() {
	fails 2 "not a device name" usn up $'usn0\nusn1'
	fails 2 "not a device name" usn show $'usn\e[31m0'
	fails 2 "unknown key" usn up usn0 $'Foo\nbar=1'
	fails 2 "no command" usn $'up\nusn0'
	fails 125 "not a device name" usn-run $'ND=usn0\nx' -- true
	fails 127 "cannot run" usn-run ND=usn0 -- $'no\nprogram' || {
		usn up usn0
		fails 127 "cannot run" usn-run ND=usn0 -- $'no\nprogram'
	}
}
@test "one line, whatever is in the words" { in_sandbox control_characters; }

kernel_refuses() {
	# The same v6 address with two prefixes passes all of our checks, and not the kernel's.
	fails 1 "cannot give usn0 the address 2001:db8::1/65" usn up usn0 Address=2001:db8::1/64 Address=2001:db8::1/65
	nothing_left
	echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6
	fails 1 "cannot give usn0 the address fd75:736e::1/64" usn up usn0
	nothing_left
	usn up usn0 Address=10.64.0.1/24
}
@test "up: what only the kernel refuses" { in_sandbox kernel_refuses; }

config_errors() {
	mkdir -p /etc/usn
	conf=/etc/usn/usn0.conf
	while read -r line says text; do
		printf "$text" >$conf
		fails 1 "$conf:$line: " usn up usn0
		fails 1 "$says" usn up usn0
	done <<-'END'
		2 key [Device]\nFoo=1\n
		1 section [Match]\nMTU=1400\n
		3 section [Device]\nMTU=1400\n[Route]\n
		1 before MTU=1400\n
		2 KEY=VALUE [Device]\nnonsense\n
		3 number [Device]\n\nMTU=12\n
		4 prefix [Device]\n# x\n\nAddress=10.0.0.1\n
		3 twice [Device]\nAddress=10.0.0.1/24\nAddress=10.0.0.1/24\n
	END
	printf '[Device]\nMTU=1000\n' >$conf
	fails 1 "MTU=1000 is too small" usn up usn0
	# Not even what the command line would replace may be wrong.
	printf '[Device]\nAddress=nonsense\n' >$conf
	fails 1 "$conf:2: " usn up usn0 Address=10.0.0.1/24
	# An unreadable one is not the same as none.
	rm $conf
	mkdir $conf
	fails 1 "cannot read $conf" usn up usn0
	rmdir $conf
	ln -s usn0.conf $conf
	fails 1 "cannot read $conf" usn up usn0
	rm $conf
	# Latin-1, as an editor may leave it.
	printf '[Device]\nGr\366\337e=1\n' >$conf
	fails 1 "$conf:2: " usn up usn0
	nothing_left
	# The file of one is none of another's business.
	usn up usn1
}
@test "an error in a device's file names file and line" { in_sandbox config_errors; }

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
@test "usage errors of every verb and program" { in_sandbox usage; }

options_together() {
	# Short options in one word: it is that word which is wrong.
	fails 2 "wrong option '-jx'" usn list -jx
	fails 2 "wrong option '-xj'" usn list -xj
	fails 2 "wrong option '-fx'" usn down -fx usn0
	fails 2 "wrong option '-jxc'" usn tail -jxc 1 usn0
	fails 125 "wrong option '-iZ'" usn-run -iZ ND=usn0 -- true
}
@test "usage errors of options that stand together" { in_sandbox options_together; }

tail_both_errors() {
	# Not both with one word.
	status=0
	usn tail eth0 2>"$TMP/err" || status=$?
	[ $status = 2 ] && [ "$(wc -l <"$TMP/err")" = 1 ]
	fails 1 "usn0 is not up" usn tail usn0
	fails 1 "usn0 is not up" usn tail -w "$TMP/file" usn0
	[ ! -e "$TMP/file" ]
}
@test "tail: of a device that is not up, and no file is made" { in_sandbox tail_both_errors; }

# help_of COMMAND...: exits 0, says it on stdout, and nothing on stderr.
help_of() {
	"$@" >"$TMP/out" 2>"$TMP/err"
	[ ! -s "$TMP/err" ]
	grep '^usage: ' "$TMP/out"
}

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
@test "--help and --version of every verb and program" { in_sandbox helps; }

dev_full() {
	usn up usn0
	fails 1 "No space left on device" bash -c '"$@" >/dev/full' - usn list
	fails 1 "No space left on device" bash -c '"$@" >/dev/full' - usn list --json
	fails 1 "No space left on device" bash -c '"$@" >/dev/full' - usn show usn0
	fails 1 "No space left on device" bash -c '"$@" >/dev/full' - usn show --json usn0
}
@test "a full disk: list and show" { in_sandbox dev_full; }

dev_full_help() {
	fails 1 "No space left on device" bash -c '"$@" >/dev/full' - usn --help
	for verb in up down list show rig tail; do
		fails 1 "No space left on device" bash -c '"$@" >/dev/full' - usn $verb --help
	done
	fails 1 "No space left on device" bash -c '"$@" >/dev/full' - usn --version
	fails 1 "No space left on device" bash -c '"$@" >/dev/full' - usnd --help
	fails 1 "No space left on device" bash -c '"$@" >/dev/full' - usnd --version
	fails 125 "No space left on device" bash -c '"$@" >/dev/full' - usn-run --help
	fails 125 "No space left on device" bash -c '"$@" >/dev/full' - usn-run --version
}
@test "a full disk: --help and --version" { in_sandbox dev_full_help; }

closed_descriptors() {
	# On demand, with an agent to start that gets nothing open.
	usn up usn0 <&-
	[ "$(usn list | wc -l)" = 1 ]
	usn down usn0
	nothing_left
	usn up usn0 <&- >&- 2>&-
	[ "$(usn list | wc -l)" = 1 ]
	# What cannot be said is an error.
	fails 1 "" bash -c '"$@" >&-' - usn list --json
	# The application's are its own: closed, too.
	usn-run ND=usn0 -- bash -c '! { true >&0; } 2>/dev/null' <&-
	usn down usn0
	nothing_left
	usnd <&- >&- 2>&-
	usn up usn0
}
@test "standard descriptors that are closed" { in_sandbox closed_descriptors; }

caller_descriptors() {
	# A lock that the caller holds would never be free again.
	exec 7>"$TMP/lock"
	flock 7
	usn up usn0
	exec 7>&-
	flock -n "$TMP/lock" true
	for fd in "/proc/$(agent_pid)/fd"/*; do
		not test "$(readlink "$fd")" = "$TMP/lock"
	done
}
@test "the agent that is started on demand keeps no descriptor of its caller's" { in_sandbox caller_descriptors; }

killed_with_run() {
	usn up usn0 usn1 Peer=echo
	steps app usn-run ND=usn0 --
	expect app usn0 'device(make(V4, UDP))'
	run=$(show usn0 'd["runs"][0]["name"]')
	end_agent KILL
	# Nobody is there, and still it is bound.
	expect app usn0 'device(make(V4, UDP))'
	[ -d "$(cgroup_tree)/usn/$run" ]
	# The next one finds it again, with its process.
	usn list | grep -E "^  run $run .*$(pid_of app)/"
	[ "$(show usn0 '[(p["pid"], p["command"]) for p in d["runs"][0]["processes"]]')" = "[($(pid_of app), 'python3')]" ]
	expect app usn0 'device(make(V4, UDP))'
	# And its end is the end of it.
	finish app
	[ "$(show usn0 'd["runs"]')" = "[]" ]
	[ ! -d "$(cgroup_tree)/usn/$run" ]
	[ "$(bpftool -j map dump pinned /sys/fs/bpf/usn/maps/bindings)" = "[]" ]
	usn down usn0 usn1
	nothing_left
}
@test "the agent is killed: a run stays bound, the next agent finds it and ends it" { in_sandbox killed_with_run; }

ends_without_agent() {
	usn up usn0 Except=192.0.2.0/24
	steps app usn-run ND=usn0 --
	expect app usn0 'device(make(V4, UDP))'
	end_agent KILL
	# It ends while nobody looks.
	finish app
	[ "$(bpftool -j map dump pinned /sys/fs/bpf/usn/maps/bindings | value 'len(d)')" = 1 ]
	[ "$(show usn0 'd["runs"]')" = "[]" ]
	[ "$(bpftool -j map dump pinned /sys/fs/bpf/usn/maps/bindings)" = "[]" ]
	[ -z "$(find "$(cgroup_tree)/usn" -mindepth 1 -type d)" ]
	# The rules that it shared with its device are still the device's.
	[ "$(show usn0 'd["except"]')" = "['loopback', '192.0.2.0/24']" ]
}
@test "the agent is killed: what ended meanwhile is swept by the next one" { in_sandbox ends_without_agent; }

killed_in_start() {
	# At any moment of its start; the next one puts right what is there.
	for i in {1..25}; do
		usnd --foreground 2>/dev/null &
		agent=$!
		until [ -e /run/usn/usnd.sock ] || ended $agent; do :; done
		for ((j = 0; j < i * 40; j++)); do :; done
		kill -9 $agent
		wait $agent || :
	done
	usn up usn0
	usn-run ND=usn0 -- true
	usn down usn0
	nothing_left
}
@test "the agent is killed while it starts" { in_sandbox killed_in_start; }

killed_while_publishing() {
	# What one leaves that was killed in the middle of publishing.
	mkdir -p /sys/fs/bpf/usn-new/maps /sys/fs/bpf/usn-new/links
	bpftool map create /sys/fs/bpf/usn-new/maps/bindings type hash key 8 value 32 entries 1 name bindings
	usn up usn0
	[ ! -e /sys/fs/bpf/usn-new ]
	usn-run ND=usn0 -- true
}
@test "half-published pins of an agent that was killed are replaced" { in_sandbox killed_while_publishing; }

killed_while_launching() {
	usn up usn0
	for i in {1..40}; do
		{
			status=0
			usn-run ND=usn0 -- python3 -c '
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sys.exit(s.getsockopt(socket.SOL_SOCKET, 25, 16).rstrip(b"\0") != b"usn0")' 2>"$TMP/err$i" || status=$?
			echo $status >"$TMP/status$i"
		} &
		pids[i]=$!
		# In the middle of them, again and again.
		[ $((i % 8)) != 4 ] || agent_pid | xargs -r kill -9 || :
	done
	wait "${pids[@]}"
	for i in {1..40}; do
		case $(cat "$TMP/status$i") in
		0) ;;
		125) [ "$(wc -l <"$TMP/err$i")" = 1 ] ;; # it was not started, and says why
		*)
			cat "$TMP/status$i" "$TMP/err$i"
			return 1
			;;
		esac
	done
	grep -qx 0 "$TMP"/status*
	eventually usn list
	[ "$(show usn0 'd["runs"]')" = "[]" ]
	[ -z "$(find "$(cgroup_tree)/usn" -mindepth 1 -type d)" ]
	[ "$(bpftool -j map dump pinned /sys/fs/bpf/usn/maps/bindings)" = "[]" ]
	usn down usn0
	nothing_left
}
@test "the agent is killed in the middle of many launches: started means bound, and nothing is left" { in_sandbox killed_while_launching; }

terminated_in_use() {
	usnd
	usn up usn0
	steps app usn-run ND=usn0 --
	expect app usn0 'device(make(V4, UDP))'
	links=$(ls /sys/fs/bpf/usn/links)
	for signal in TERM INT; do
		end_agent $signal
		[ ! -e /run/usn/usnd.sock ]
		ip link show usn0
		[ "$(ls /sys/fs/bpf/usn/links)" = "$links" ]
		expect app usn0 'device(make(V4, UDP))'
		usnd
		[ "$(show usn0 'len(d["runs"])')" = 1 ]
	done
	# Only the device: it stays.
	finish app
	end_agent TERM
	ip link show usn0
	[ -e /sys/fs/bpf/usn/maps/devices ]
	# Nothing: nothing stays.
	usnd
	usn down usn0
	end_agent TERM
	nothing_left
}
@test "SIGTERM: what is in use stays, and idle it leaves nothing" { in_sandbox terminated_in_use; }

run_only() {
	usn up usn0
	steps app usn-run ND=usn0 --
	usn down --force usn0
	expect app EPERM 'make(V4, UDP)'
	# A run without its device is still a run: its programs stay with it.
	end_agent TERM
	expect app EPERM 'make(V4, UDP)'
	usn list
	expect app EPERM 'make(V4, UDP)'
	finish app
	nothing_left
}
@test "a run that outlives its device and two agents stays refused" { in_sandbox run_only; }

second_agent() {
	usnd
	first=$(agent_pid)
	fails 1 "an agent is running already: it answers at /run/usn/usnd.sock" usnd
	fails 1 "an agent is running already" usnd --foreground
	usnd --ephemeral
	[ "$(agent_pid)" = "$first" ]
	usn list
	[ "$(agent_pid)" = "$first" ]
	end_agent TERM
	nothing_left
}
@test "a second agent is refused, and the first goes on" { in_sandbox second_agent; }

other_namespace() {
	usn up usn0
	end_agent KILL
	fails 1 "usn0 belongs to an agent in another network namespace" unshare --net usnd
	# It has touched nothing.
	[ "$(usn list | wc -l)" = 1 ]
	fails 125 "another network namespace" unshare --net usn-run ND=usn0 -- true
	[ "$(show usn0 'd["runs"]')" = "[]" ]
}
@test "another network namespace" { in_sandbox other_namespace; }

ten_at_once() {
	for i in {1..10}; do
		usn list --json >"$TMP/out$i" 2>"$TMP/err$i" &
		pids[i]=$!
	done
	for p in "${pids[@]}"; do
		wait "$p"
	done
	for i in {1..10}; do
		[ ! -s "$TMP/err$i" ]
		[ "$(tr -d ' \n' <"$TMP/out$i")" = '{"devices":[]}' ]
	done
	[ "$(agent_pid | wc -l)" = 1 ]
	nothing_left
}
@test "ten at once on a fresh host start one agent, and all succeed" { in_sandbox ten_at_once; }

at_the_end_of_another() {
	# Whenever the one that ends is met, nobody is turned away.
	tries=0
	for i in {1..4}; do
		usn list
		agent=$(agent_pid)
		until ended "$agent"; do
			usn list >/dev/null &
			p=$!
			wait $p
			read -rt "0.$((RANDOM % 9 + 9))" <> <(:) || :
			[ $((++tries)) -lt 8 ] || break
		done
	done
	nothing_left
}
@test "a command that meets an agent about to end succeeds" { in_sandbox at_the_end_of_another; }

fifty_runs() {
	mkfifo "$TMP/here.end"
	usn up usn0 Peer=echo
	for i in {1..50}; do
		usn-run ND=usn0 -- bash -c "echo >>'$TMP/here'; read -r <'$TMP/here.end'; exit $i" 2>"$TMP/err$i" &
		pids[i]=$!
	done
	eventually sh -c "[ \"\$(wc -l <'$TMP/here')\" = 50 ]"
	[ "$(show usn0 'len(d["runs"]), len({r["name"] for r in d["runs"]}), sorted(p["pid"] for r in d["runs"] for p in r["processes"])')" = \
		"(50, 50, [$(printf '%s\n' "${pids[@]}" | sort -n | paste -sd, | sed 's/,/, /g')])" ]
	exec 8<>"$TMP/here.end"
	printf '%.0s\n' {1..50} >&8
	for i in {1..50}; do
		status=0
		wait "${pids[i]}" || status=$?
		[ $status = "$i" ]
	done
	[ "$(show usn0 'd["runs"]')" = "[]" ]
	[ -z "$(find "$(cgroup_tree)/usn" -mindepth 1 -type d)" ]
}
@test "fifty runs at once" { in_sandbox fifty_runs; }

ephemeral_ends() {
	usn list
	nothing_left
	usn up usn0
	steps app usn-run ND=usn0 --
	expect app usn0 'device(make(V4, UDP))'
	usn down --force usn0
	# The run still holds it.
	[ -n "$(agent_pid)" ]
	finish app
	nothing_left
	[ -z "$(find "$(cgroup_tree)" -maxdepth 1 -name 'usn*' ! -path "$(cgroup_tree)")" ]
}
@test "the agent that was started on demand ends with its last run and device" { in_sandbox ephemeral_ends; }

not_ephemeral() {
	usnd
	usn list
	usn up usn0
	usn down usn0
	# One that was started on demand would end after a second; the order of things shows that this one does not.
	TMP2=$(mktemp -d "$TMP/XXXX")
	python3 -c 'import select; select.select([], [], [], 1.5)'
	[ "$(agent_pid | wc -l)" = 1 ]
	rmdir "$TMP2"
}
@test "an agent that was started by hand stays" { in_sandbox not_ephemeral; }

removed_behind() {
	usn up usn0 usn1 Peer=echo
	steps app usn-run ND=usn0 --
	expect app usn0 'device(make(V4, UDP))'
	ip link del usn0
	# Refused at once or once the agent has heard of it, and never unbound: the kernel refuses an index that is gone.
	eventually not expect app usn0 'device(make(V4, UDP))'
	expect app EPERM 'make(V4, UDP)'
	[ "$(usn list --json | value '[(x["name"], x["gone"]) for x in d["devices"]]')" = "[('usn0', True), ('usn1', False)]" ]
	usn show usn0 | has -x '  state      GONE'
	fails 1 "usn0 is in use by" usn down usn0
	fails 1 "usn0 is not up" usn rig usn0 -- true
	fails 125 "usn0 is not up" usn-run ND=usn0 -- true
	# The other device is as it was.
	usn-run ND=usn1 -- ping -n -q -c 1 10.64.1.2
	# Another number, the same name: the living run is on it again.
	ip link add usn0 type veth peer name usn9
	expect app EPERM 'make(V4, UDP)'
	ip link del usn0
	usn up usn0 Peer=echo
	expect app usn0 'device(make(V4, UDP))'
	[ "$(show usn0 'd["runs"][0]["processes"][0]["pid"]')" = "$(pid_of app)" ]
	[ "$(show usn0 'd["verdicts"]["refused_device"]')" -ge 1 ]
}
@test "an interface that somebody removes: its run is refused, and bound again when it is back" { in_sandbox removed_behind; }

removed_without_agent() {
	usn up usn0 Peer=echo
	steps app usn-run ND=usn0 --
	expect app usn0 'device(make(V4, UDP))'
	end_agent KILL
	ip link del usn0
	usn list | has '^usn0 GONE'
	expect app EPERM 'make(V4, UDP)'
	usn up usn0 Peer=echo
	expect app usn0 'device(make(V4, UDP))'
}
@test "an interface that goes while there is no agent" { in_sandbox removed_without_agent; }

renamed() {
	usn up usn0
	steps app usn-run ND=usn0 --
	ip link set usn0 down
	ip link set usn0 name other
	ip link set other up
	# The name is free for somebody else now; nothing of the run may get there.
	ip tuntap add dev usn0 mode tap
	ip link set usn0 up
	index=$(ip -json link show usn0 | value 'd[0]["ifindex"]')
	not expect app usn0 'device(make(V4, UDP))'
	[ "$(ip -json link show usn0 | value 'd[0]["ifindex"]')" = "$index" ]
	usn-run ND=usn0 -- true 2>"$TMP/err" || grep . "$TMP/err"
}
@test "an interface that somebody renames, and another one in its place" { in_sandbox renamed; }

stale_socket() {
	mkdir -p /run/usn
	python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("/run/usn/usnd.sock")'
	usn list
	nothing_left
	touch /run/usn/usnd.sock
	usn list
	nothing_left
	# What cannot be put right is said.
	mkdir /run/usn/usnd.sock
	fails 1 "/run/usn/usnd.sock" usn list
	rmdir /run/usn/usnd.sock
	rmdir /run/usn 2>/dev/null || rm -r /run/usn
	touch /run/usn
	fails 1 "/run/usn" usn list
}
@test "a stale socket, and what else may be in its place" { in_sandbox stale_socket; }

held_lock() {
	# Somebody holds the lock and does not answer: an end that takes its time, or a program that is stuck.
	mkdir -p /run/usn
	exec 7>/run/usn/lock
	flock 7
	fails 1 "another agent holds /run/usn/lock but does not answer" usn list
	exec 7>&-
	usn list
}
@test "a lock that is held by one who does not answer" { in_sandbox held_lock; }

# protocol: python with call(), which sends bytes and returns all answers until the end or a number of them.
protocol() {
	python3 - <<-END
		import json, os, socket, struct, sys
		def connect():
		    s = socket.socket(socket.AF_UNIX)
		    s.settimeout(10)
		    s.connect("/run/usn/usnd.sock")
		    return s
		def messages(s, n):
		    b = b""
		    while b.count(b"\0") < n:
		        try:
		            more = s.recv(65536)
		        except ConnectionResetError:
		            more = b""
		        if not more:
		            break
		        b += more
		    return [json.loads(m) for m in b.split(b"\0")[:-1]]
		def raw(b, n=1):
		    s = connect()
		    try:
		        s.sendall(b)
		    except BrokenPipeError:
		        pass
		    return messages(s, n)
		def call(method, parameters=None, **more):
		    m = dict(method=method, **more)
		    if parameters is not None:
		        m["parameters"] = parameters
		    return raw(json.dumps(m).encode() + b"\0")[0]
		def error(method, parameters=None):
		    return call(method, parameters)["error"]
		$(cat)
	END
}

garbage() {
	usnd
	usn up usn0
	protocol <<-'END'
		for b in (b"\0", b"garbage\0", b"[]\0", b"1\0", b"{\0", b"{}{}\0", b"\xff\xfe\0", b"GET / HTTP/1.1\r\n\r\n\0",
		          b"[" * 60000 + b"\0", b'{"a":' * 10000 + b"\0"):
		    assert raw(b) == [], b[:20]
		# The longest message, and much more than that.
		assert raw(b"x" * 65536 + b"\0") == []
		assert raw(b"x" * (8 << 20)) == []
		# Half of one, and no more.
		for b in (b"{", b'{"method":"io.usn.List"}', b""):
		    s = connect()
		    s.sendall(b)
		    s.shutdown(socket.SHUT_WR)
		    assert messages(s, 1) == []
		    connect().close()
		# An honest one in crumbs, and three at once.
		s = connect()
		for c in b'{"method":"io.usn.List"}\0':
		    s.sendall(bytes([c]))
		assert len(messages(s, 1)[0]["parameters"]["devices"]) == 1
		s.sendall(b'{"method":"io.usn.List"}\0' * 3)
		assert [len(m["parameters"]["devices"]) for m in messages(s, 3)] == [1, 1, 1]
		# What was asked before the garbage is answered.
		assert len(raw(b'{"method":"io.usn.List"}\0garbage\0{"method":"io.usn.List"}\0', 3)) == 1
	END
	[ "$(usn list | wc -l)" = 1 ]
}
@test "protocol: garbage, huge and half messages; the agent goes on" { in_sandbox garbage; }

wrong_calls() {
	usnd
	usn up usn0
	protocol <<-'END'
		service = "org.varlink.service."
		assert error("io.usn.Nonsense") == service + "MethodNotFound"
		assert error("io.usn.") == service + "MethodNotFound"
		assert error("io.usn") == service + "MethodNotFound"
		assert error("io.usn.list") == service + "MethodNotFound"
		assert error("io.usn.ListMore") == service + "MethodNotFound"
		assert error("List") == service + "MethodNotFound"
		assert error("") == service + "MethodNotFound"
		assert call("io.usn.Nonsense")["parameters"] == {"method": "io.usn.Nonsense"}
		for b in (b"{}", b'{"method":5}', b'{"method":null}', b'{"method":["io.usn.List"]}', b'{"parameters":{}}'):
		    assert raw(b + b"\0")[0]["error"] == service + "InvalidParameter", b
		for method in ("Up", "Down", "Run", "Rig"):
		    for p in (None, {}, [], 5, "usn0", {"device": None}, {"device": 5}, {"device": "eth0"}, {"device": "usn4096"},
		              {"device": ["usn0"]}, {"device": {}}):
		        assert error("io.usn." + method, p) == "io.usn.Invalid", (method, p)
		for method in ("Down", "Run", "Rig", "List"):
		    a = call("io.usn." + method, {"device": "usn7"})
		    assert a["error"] == "io.usn.NoSuchDevice" and "usn7 is not up" in a["parameters"]["message"], a
		    assert isinstance(a["parameters"]["errno"], int)
		assert error("io.usn.Run", {"device": "usn0", "netns": 1}) == "io.usn.Failed"
		assert error("io.usn.Run", {"device": "usn0", "netns": "x"}) == "io.usn.Failed"
		# Settings that are none must not be taken for "no settings".
		for settings in ([5], [None], ["MTU=12"], ["nonsense"], [["MTU=1400"]]):
		    assert error("io.usn.Up", {"device": "usn8", "settings": settings}) == "io.usn.Invalid", settings
		# oneway: no answer, and the next call is answered.
		a = raw(b'{"method":"io.usn.List","oneway":true}\0{"method":"org.varlink.service.GetInfo"}\0')
		assert a[0]["parameters"]["product"] == "usnd"
		a = raw(b'{"method":"io.usn.Up","parameters":{"device":"usn5"},"oneway":true}\0{"method":"io.usn.List"}\0')
		assert [d["name"] for d in a[0]["parameters"]["devices"]] == ["usn0", "usn5"]
	END
	usn down usn0 usn5
	end_agent TERM
	nothing_left
}
@test "protocol: unknown methods and wrong parameters" { in_sandbox wrong_calls; }

wrong_types() {
	usnd
	protocol <<-'END'
		for settings in ("MTU=1400", {"MTU": "1400"}, 5, True):
		    a = call("io.usn.Up", {"device": "usn8", "settings": settings})
		    assert a.get("error") in ("io.usn.Invalid", "org.varlink.service.InvalidParameter"), (settings, a)
	END
	no_device usn8
}
@test "protocol: settings that are no list are refused, not left out" { in_sandbox wrong_types; }

yields() {
	usn up usn0 Peer=echo
	protocol <<-'END'
		assert call("io.usn.Yield") == {"parameters": {}}
	END
	eventually no_agent
	# The next one has all.
	usn-run ND=usn0 -- ping -q -c 1 -W 5 10.64.0.2
	usn down usn0
	nothing_left
	# One that was not started on demand stays.
	usnd
	protocol <<-'END'
		assert error("io.usn.Yield") == "io.usn.Busy"
		os.setresuid(65534, 65534, 65534)
		assert error("io.usn.Yield") == "io.usn.Denied"
	END
	[ "$(agent_pid | wc -w)" = 1 ]
	end_agent TERM
}
@test "protocol: an agent that was started on demand ends when another is to follow" { in_sandbox yields; }

hangs() {
	usn up usn0
	kill -STOP "$(agent_pid)"
	not env NOTIFY_SOCKET=/run/nobody usnd --foreground 2>"$TMP/err"
	grep -qx 'usnd: another agent holds /run/usn/lock but does not answer: end it first' "$TMP/err"
	kill -CONT "$(agent_pid)"
	usn down usn0
	nothing_left
}
@test "an agent that hangs is not waited for by the next one for ever" { in_sandbox hangs; }

introspection() {
	usnd
	usn up usn0
	steps app usn-run ND=usn0 --
	protocol <<-'END'
		import re
		info = call("org.varlink.service.GetInfo")["parameters"]
		assert set(info) == {"vendor", "product", "version", "url", "interfaces"}, info
		assert info["product"] == "usnd" and re.fullmatch(r"\d+\.\d+\.\d+", info["version"])
		assert "io.usn" in info["interfaces"] and "org.varlink.service" in info["interfaces"]
		get = "org.varlink.service.GetInterfaceDescription"
		assert call(get, {"interface": "io.nonsense"})["error"] == "org.varlink.service.InterfaceNotFound"
		assert call(get, {"interface": "io.nonsense"})["parameters"] == {"interface": "io.nonsense"}
		for p in (None, {}, {"interface": 5}):
		    assert call(get, p)["error"] == "org.varlink.service.InvalidParameter", p
		text = call(get, {"interface": "io.usn"})["parameters"]["description"]
		assert re.search(r"^interface io\.usn$", text, re.M)
		# Every method of the description is there ...
		methods = re.findall(r"^method (\w+)\(", text, re.M)
		assert set(methods) == {"Up", "Down", "List", "Run", "Rig", "Ambient", "Bind", "Unbind", "Tap", "TapMap", "TapAdd", "TapLink", "Yield"}
		for m in methods:
		    assert call("io.usn." + m).get("error", "") != "org.varlink.service.MethodNotFound"
		# ... and what List answers has the fields of the description, no more and no less.
		def fields(name):
		    body = re.search(r"^type %s \((.*?)\)$" % name, text, re.M | re.S).group(1)
		    return {f: t for f, t in re.findall(r"(\w+): ([^,\n]+)", body)}
		kinds = {"int": int, "string": str, "bool": bool, "[]string": list, "[]Run": list, "[]Process": list}
		def check(name, o):
		    want = fields(name)
		    assert set(o) <= set(want), (name, set(o) - set(want))
		    for f, t in want.items():
		        if t[0] == "?" and f not in o:
		            continue
		        v = o[f]
		        if t.strip("?[]") in ("Run", "Process", "Socket", "Traffic", "Verdicts"):
		            for x in v if "[]" in t else [v]:
		                check(t.strip("?[]"), x)
		        else:
		            assert type(v) == kinds[t.lstrip("?")], (name, f, v)
		for p in (None, {"device": "usn0"}):
		    devices = call("io.usn.List", p)["parameters"]["devices"]
		    assert len(devices) == 1 and devices[0]["runs"]
		    check("Device", devices[0])
	END
}
@test "protocol: GetInfo, and a description that tells the truth" { in_sandbox introspection; }

describes_all() {
	usnd
	protocol <<-'END'
		for name in call("org.varlink.service.GetInfo")["parameters"]["interfaces"]:
		    a = call("org.varlink.service.GetInterfaceDescription", {"interface": name})
		    assert "interface " + name in a.get("parameters", {}).get("description", ""), (name, a)
	END
}
@test "protocol: every interface of GetInfo has a description" { in_sandbox describes_all; }

many_connections() {
	usnd
	usn up usn0 Peer=echo
	before=$(ls "/proc/$(agent_pid)/fd" | wc -l)
	protocol <<-'END'
		idle = [connect() for i in range(100)]
		for s in idle[:50]:
		    s.sendall(b'{"meth')
		assert len(call("io.usn.List")["parameters"]["devices"]) == 1
		assert not os.system("usn list >/dev/null && usn-run ND=usn0 -- ping -n -q -c 1 10.64.0.2 >/dev/null")
		# All of them are still good.
		for s in idle[50:]:
		    s.sendall(b'{"method":"io.usn.List"}\0')
		for s in idle[50:]:
		    assert len(messages(s, 1)) == 1
		# One that asks and asks, and never reads.
		s = connect()
		s.setblocking(False)
		try:
		    while True:
		        s.send(b'{"method":"org.varlink.service.GetInterfaceDescription","parameters":{"interface":"io.usn"}}\0')
		except BlockingIOError:
		    pass
		assert len(call("io.usn.List")["parameters"]["devices"]) == 1
		# Descriptors that nobody asked for.
		for n in (1, 2, 5):
		    for i in range(10):
		        with connect() as s:
		            socket.send_fds(s, [b'{"method":"io.usn.List"}\0'], [0] * n)
		            assert len(messages(s, 1)) == 1
		    t = connect()
		    for i in range(10):
		        socket.send_fds(t, [b'{"method":"io.usn.List"}\0'], [0] * n)
		        assert len(messages(t, 1)) == 1
		    t.close()
	END
	eventually bash -c '[ "$(ls "/proc/$(agent_pid)/fd" | wc -l)" -le '"$before"' ]'
}
@test "protocol: idle, slow and rude connections; nothing piles up" { in_sandbox many_connections; }

too_many_connections() {
	(
		ulimit -Sn 64
		usnd
	)
	usn up usn0
	# More than it has descriptors for, then fewer again.
	protocol <<-'END'
		many = [connect() for i in range(90)]
		for s in many:
		    s.close()
	END
	eventually usn list
	eventually usn-run ND=usn0 -- true
	[ "$(usn list | wc -l)" = 1 ]
}
@test "protocol: more connections than descriptors" { in_sandbox too_many_connections; }

abandoned_launch() {
	usnd
	usn up usn0
	# The launcher gives up before it is in, and with the run's cgroup.procs in hand.
	protocol <<-'END'
		s = connect()
		s.sendall(b'{"method":"io.usn.Run","parameters":{"device":"usn0"}}\0')
		data, fds, flags, address = socket.recv_fds(s, 65536, 4)
		name = json.loads(data[:-1])["parameters"]["run"]
		assert len(fds) == 1 and name.startswith("usn0-")
		assert os.readlink("/proc/self/fd/%d" % fds[0]).endswith("/usn/" + name + "/cgroup.procs")
		# One run a connection.
		s.sendall(b'{"method":"io.usn.Run","parameters":{"device":"usn0"}}\0')
		assert messages(s, 1)[0]["error"] == "io.usn.Busy"
		assert len(call("io.usn.List")["parameters"]["devices"][0]["runs"]) == 1
		s.close()
		while call("io.usn.List")["parameters"]["devices"][0]["runs"]:
		    pass
		# The way in has gone with it.
		try:
		    os.write(fds[0], b"0")
		    sys.exit("entered a run that has ended")
		except OSError:
		    pass
	END
	[ "$(show usn0 'd["runs"]')" = "[]" ]
	[ -z "$(find "$(cgroup_tree)/usn" -mindepth 1 -type d)" ]
	usn down usn0
}
@test "protocol: a launch that is given up leaves no run" { in_sandbox abandoned_launch; }

terminated_in_launch() {
	usnd --foreground &
	export agent=$!
	eventually [ -e /run/usn/usnd.sock ]
	usn up usn0
	# The launcher has the way in when the agent ends, and goes in afterwards.
	protocol <<-'END'
		s = connect()
		s.sendall(b'{"method":"io.usn.Run","parameters":{"device":"usn0"}}\0')
		data, fds, flags, address = socket.recv_fds(s, 65536, 4)
		os.kill(int(os.environ["agent"]), 15)
		assert s.recv(1) == b""
		os.write(fds[0], b"0")
		assert "/usn/usn0-" in open("/proc/self/cgroup").read()
	END
	wait $agent
	# The next agent finds it, and that it has ended.
	[ "$(show usn0 'd["runs"]')" = "[]" ]
	usn down usn0
	nothing_left
}
@test "SIGTERM: a launch that is on its way is not in the agent's" { in_sandbox terminated_in_launch; }

rig_of_another_namespace() {
	# A queue of the same name in another network namespace is not ours, even if its process is found first.
	unshare --net bash -c '
		ip tuntap add dev usn0 mode tun
		ip link set usn0 up
		exec python3 -c "
import fcntl, os, struct, sys, time
f = os.open(\"/dev/net/tun\", os.O_RDWR)
fcntl.ioctl(f, 0x400454ca, struct.pack(\"16sH22x\", b\"usn0\", 0x1001))
open(sys.argv[1], \"w\").close()
while True:
    os.read(f, 65536)" "$0"' "$TMP/there" &
	eventually test -e "$TMP/there"
	usn up usn0 Peer=echo
	usn rig usn0 -- sh -c 'exec sleep 1000' &
	rig=$!
	eventually show_is usn0 '"rig" in d'
	end_agent KILL
	# The next agent takes the queue over from the rig, and from nobody else.
	[ "$(show usn0 'd["rig"]["pid"]')" = $rig ]
	kill $rig
	eventually show_is usn0 '"rig" not in d'
	usn-run ND=usn0 -- ping -n -q -c 1 -W 2 10.64.0.2
}
@test "a rig is found again after a crash, beside one of the same name in another namespace" { in_sandbox rig_of_another_namespace; }
