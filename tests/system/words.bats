#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Words of a command line or a file that are wrong: one line says what, the status is not 0, and nothing
# half-made is left.

load lib

@test "up: malformed address, prefix, MTU, peer; unknown key" { in_sandbox bad_words; }
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

@test "up: a word that is not UTF-8 is refused, not left out" { in_sandbox not_utf8; }
not_utf8() {
	fails 2 "" usn up usn0 $'Foo=\xff'
	fails 2 "" usn up usn0 $'Address=10.9.9.1/24\xff'
	fails 2 "" usn up usn0 $'MTU=1400\xc3'
	nothing_left
}

@test "up: long words in any language" { in_sandbox long_words; }
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

@test "one line, whatever is in the words" { in_sandbox control_characters; }
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

# kernel_says ADDRESS: why the kernel refuses lo that address, by ip(8). Since Linux 6.6 it has words for
# it, before that an errno.
kernel_says() {
	(ip address add "$1" dev lo 2>&1 || :) | sed 's/^Error: //; s/^RTNETLINK answers: //; s/\.$//'
}

@test "up: what only the kernel refuses, and its reason" { in_sandbox kernel_refuses; }
kernel_refuses() {
	# The same v6 address with two prefixes passes all of our checks, and not the kernel's.
	ip address add 2001:db8::1/64 dev lo
	says=$(kernel_says 2001:db8::1/65)
	ip address delete 2001:db8::1/64 dev lo
	fails 1 "cannot give usn0 the address 2001:db8::1/65: $says" usn up usn0 Address=2001:db8::1/64 Address=2001:db8::1/65
	nothing_left
	echo 1 | tee /proc/sys/net/ipv6/conf/{default,lo}/disable_ipv6
	says=$(kernel_says fd75:736e::1/64)
	fails 1 "cannot give usn0 the address fd75:736e::1/64: $says" usn up usn0
	nothing_left
	usn up usn0 Address=10.64.0.1/24
}

@test "an error in a device's file names file and line" { in_sandbox config_errors; }
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
