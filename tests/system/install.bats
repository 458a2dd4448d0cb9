#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# make install and make uninstall, the units, and the pages of the manual.

load lib

setup_file() {
	export INSTALLED="$BATS_FILE_TMPDIR/root"
	export BUILD="$BATS_FILE_TMPDIR/build"
	"$BATS_TEST_DIRNAME/../helpers/own-build" "$BUILD" make -s -C "$BATS_TEST_DIRNAME/../.." install DESTDIR="$INSTALLED" PREFIX=/usr >/dev/null
}

# All below a folder, with modes and contents.
listing() {
	(cd "$1" && find . ! -name . -printf '%p %y %m %l\n' | sort && find . -type f -exec sha256sum {} + | sort)
}

@test "install: everything is where it belongs" {
	cd "$INSTALLED/usr"
	for f in sbin/usnd bin/usn bin/usn-run share/man/man8/usn.8 share/man/man8/usnd.8 share/man/man1/usn-run.1 \
		share/man/man1/usn-extcap.1 share/man/man5/usn.conf.5 share/man/man3/usn_tap.3 include/usn.h include/usn/abi.h include/usn/err.h \
		lib/libusn.so.0 lib/libusn.so lib/pkgconfig/usn.pc lib/systemd/system/usnd.service lib/systemd/system/usn@.service \
		share/bash-completion/completions/usn share/bash-completion/completions/usn-run; do
		[ -f "$f" ]
	done
	[ "$(find "$INSTALLED" -path '*/extcap/usn-extcap' -perm 755 | wc -l)" = 1 ]
	[ "$(bin/usn --version)" = "usn $(sbin/usnd --version | cut -d' ' -f2)" ]
}

@test "uninstall: leaves an empty folder as it was" {
	cp -a "$INSTALLED" "$BATS_TEST_TMPDIR/root"
	make -s -C "$BATS_TEST_DIRNAME/../.." uninstall DESTDIR="$BATS_TEST_TMPDIR/root" PREFIX=/usr
	[ -z "$(listing "$BATS_TEST_TMPDIR/root")" ]
}

@test "uninstall: leaves what others have there, empty folders too" {
	root="$BATS_TEST_TMPDIR/root"
	mkdir -p "$root"/usr/share/{man/man3,doc/usn} "$root/usr/lib/pkgconfig" "$root/etc/usn"
	touch "$root"/usr/share/{man/man3/other.3,doc/usn/notes} "$root/etc/usn/usn0.conf"
	before=$(listing "$root")
	"$BATS_TEST_DIRNAME/../helpers/own-build" "$BUILD" make -s -C "$BATS_TEST_DIRNAME/../.." install DESTDIR="$root" PREFIX=/usr
	# A second time: the folders of the first are still known. A file that came between stays.
	mkdir -p "$root/usr/include/usn"
	touch "$root/usr/include/usn/later.h"
	"$BATS_TEST_DIRNAME/../helpers/own-build" "$BUILD" make -s -C "$BATS_TEST_DIRNAME/../.." install DESTDIR="$root" PREFIX=/usr
	make -s -C "$BATS_TEST_DIRNAME/../.." uninstall DESTDIR="$root" PREFIX=/usr
	[ "$(find "$root/usr/include" -type f)" = "$root/usr/include/usn/later.h" ]
	rm -r "$root/usr/include"
	diff <(echo "$before") <(listing "$root")
}

@test "uninstall: by the note of what was installed, wherever the table would put it now" {
	cp -a "$INSTALLED" "$BATS_TEST_TMPDIR/root"
	make -s -C "$BATS_TEST_DIRNAME/../.." uninstall DESTDIR="$BATS_TEST_TMPDIR/root" PREFIX=/usr \
		EXTCAPDIR=/elsewhere LIBDIR=/elsewhere
	[ -z "$(listing "$BATS_TEST_TMPDIR/root")" ]
}

# here TARGET [VARIABLE=VALUE]...: make, without DESTDIR, on a /usr that goes with the sandbox.
# What it says is in $TMP/said.
here() {
	mountpoint -q /usr || {
		mkdir /run/upper /run/work
		mount -t overlay -o lowerdir=/usr,upperdir=/run/upper,workdir=/run/work overlay /usr
		mount --bind "$BUILD" "$ROOT/build"
		[ ! -d /var/cache/ldconfig ] || mount -t tmpfs tmpfs /var/cache/ldconfig
		# The commands of other tests are not those that are installed.
		PATH=/usr/sbin:/usr/bin:/sbin:/bin
	}
	make -s -C "$ROOT" "$@" PREFIX=/usr 2>"$TMP/said"
}

# What usn has in the kernel, and what else of the host's a command could change.
state() {
	find / /run /sys/fs/bpf "$(cgroup_tree)" /etc/ld.so.cache -xdev -mindepth 1 -maxdepth 1 2>/dev/null
	ip -o link | cut -d ' ' -f 2
	ip rule
	ip -6 rule
}

# refused TEXT: uninstall says one line with the text, exits with 1 and removes nothing.
refused() {
	local before
	before=$(find /usr/bin/usn /usr/sbin/usnd /usr/include/usn)
	if here uninstall "${@:2}"; then return 1; fi
	grep -v 'Error 1$' "$TMP/said" >"$TMP/line"
	[ "$(wc -l <"$TMP/line")" = 1 ]
	has -- "$1" <"$TMP/line"
	[ "$before" = "$(find /usr/bin/usn /usr/sbin/usnd /usr/include/usn)" ]
}

@test "uninstall: refuses while a device is up and says how to end it; then leaves nothing" { in_sandbox uninstalls_here; }
uninstalls_here() {
	find /usr | sort >"$TMP/before"
	here install
	state >"$TMP/state"
	ldconfig -p | has 'libusn\.so\.0 '
	usn up usn0
	refused '^make uninstall: still up: usn0: "usn down usn0", or "make uninstall FORCE=1"$'
	ping -c 1 -W 5 -I usn0 10.64.0.1
	usn down usn0
	# Its agent ends by itself, and is waited for.
	here uninstall
	find /usr | sort | diff "$TMP/before" -
	ldconfig -p >"$TMP/known"
	if has libusn <"$TMP/known"; then return 1; fi
	state | diff "$TMP/state" -
}

@test "uninstall FORCE=1: ends the agent, the devices and ambient mode" { in_sandbox force_ends_all; }
force_ends_all() {
	here install
	state >"$TMP/state"
	usnd
	usn up usn0 usn1 Ambient=yes
	usn ambient on
	ways="\"usn down usn0 usn1\", then \"usn ambient off\", then \"kill $(agent_pid)\""
	refused "still up: usn0 usn1, ambient mode, the agent: $ways, or \"make uninstall FORCE=1\"$"
	here uninstall FORCE=1
	[ ! -e /usr/bin/usn ]
	[ -z "$(agent_pid)" ]
	state | diff "$TMP/state" -
	# An agent that was killed, which has left its device.
	here install
	usn up usn0
	end_agent KILL
	refused 'still up: usn0: '
	here uninstall FORCE=1
	[ -z "$(agent_pid)" ]
	state | diff "$TMP/state" -
}

@test "uninstall FORCE=1: does not let a run go by another device" { in_sandbox runs_are_not_let_go; }
runs_are_not_let_go() {
	here install
	state >"$TMP/state"
	usn up usn0
	usn-run ND=usn0 -- sleep 600 &
	eventually eval 'usn list | has sleep'
	refused "still bound to a device that has gone: $!/sleep: end or unbind it" FORCE=1
	refused "still up: $!/sleep: end or unbind it, or"
	# It lives, and its new sockets would be refused.
	kill -0 $!
	[ -e /sys/fs/bpf/usn/maps/bindings ]
	kill $!
	wait $! || :
	here uninstall FORCE=1
	state | diff "$TMP/state" -
}

@test "install: what ldconfig does not do is said, and is no error" { in_sandbox says_what_ldconfig_does_not; }
says_what_ldconfig_does_not() {
	mkdir "$TMP/bin"
	here install
	[ ! -s "$TMP/said" ]
	here install LIBDIR=/usr/lib/elsewhere
	has "ldconfig does not look in /usr/lib/elsewhere" <"$TMP/said"
	printf '#!/bin/sh\necho "no room" >&2\nexit 1\n' >"$TMP/bin/ldconfig"
	chmod +x "$TMP/bin/ldconfig"
	PATH="$TMP/bin:$PATH"
	here install
	has "ldconfig could not be told of /usr/lib: no room" <"$TMP/said"
	rm "$TMP/bin/ldconfig" /usr/sbin/ldconfig
	here install
	has "there is no ldconfig" <"$TMP/said"
}

# A service manager's view of the installed tree; what they run must exist, so it stands where it
# will be.
verify() {
	local units="$BATS_TEST_TMPDIR/units"
	mkdir -p "$units"
	cp "$INSTALLED"/usr/lib/systemd/system/* "$INSTALLED"/usr/share/doc/usn/examples/example-app.service "$units"
	sed -i "s#=/usr/\(s\?bin\)/usn#=$INSTALLED/usr/\1/usn#" "$units"/*
	SYSTEMD_UNIT_PATH="$units:" systemd-analyze verify --man=no "$units/usnd.service" "$units/usn@usn0.service" \
		"$units/example-app.service" 2>&1
}

@test "systemd: the units are without fault" {
	command -v systemd-analyze >/dev/null || skip "systemd-analyze is not here"
	out=$(verify)
	[ -z "$out" ] || { echo "$out"; false; }
}

@test "systemd: a fault in a unit would be seen" {
	command -v systemd-analyze >/dev/null || skip "systemd-analyze is not here"
	cp -r "$INSTALLED" "$BATS_TEST_TMPDIR/root"
	INSTALLED="$BATS_TEST_TMPDIR/root"
	sed -i 's/^\[Service\]/&\nNoSuchKey=1/' "$INSTALLED/usr/lib/systemd/system/usnd.service"
	[ -n "$(verify)" ]
}

@test "manual: pages have no fault" {
	for p in "$INSTALLED"/usr/share/man/man?/*; do
		# Not by -I of groff, which calls a preprocessor with it that is in another package of Debian 13.
		out=$(soelim -I "$INSTALLED/usr/share/man" "$p" 2>&1 >"$BATS_TEST_TMPDIR/page")
		out+=$(LC_ALL=C.UTF-8 groff -mandoc -ww -z -Tutf8 "$BATS_TEST_TMPDIR/page" 2>&1)
		[ -z "$out" ] || { echo "$p: $out"; false; }
	done
}

@test "manual: each function of the library has a page" {
	cd "$BATS_TEST_DIRNAME/../.."
	functions=$(sed -n 's/^\t\(usn_[a-z_]*\);$/\1/p' agent/tap/libusn.map)
	[ "$(wc -l <<<"$functions")" -ge 10 ]
	for f in $functions; do
		[ "$(cat "$INSTALLED/usr/share/man/man3/$f.3")" = ".so man3/usn_tap.3" ]
		# As man(1) reads it.
		(cd "$INSTALLED/usr/share/man" && soelim "man3/$f.3") | has "^\.Nm $f\( ,\)*$"
	done
	command -v man >/dev/null || return 0
	man -M "$INSTALLED/usr/share/man" usn_tap_open | has "usn_tap_open"
}
