#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# make install, the units, and the pages of the manual.

load lib

setup_file() {
	export INSTALLED="$BATS_FILE_TMPDIR/root"
	make -s -C "$BATS_TEST_DIRNAME/../.." install DESTDIR="$INSTALLED" PREFIX=/usr >/dev/null
}

@test "install: everything is where it belongs, and uninstall removes it" {
	cd "$INSTALLED/usr"
	for f in sbin/usnd bin/usn bin/usn-run share/man/man8/usn.8 share/man/man8/usnd.8 share/man/man1/usn-run.1 \
		share/man/man1/usn-extcap.1 share/man/man5/usn.conf.5 share/man/man3/usn_tap.3 include/usn.h include/usn/abi.h include/usn/err.h \
		lib/libusn.so.0 lib/libusn.so lib/pkgconfig/usn.pc lib/systemd/system/usnd.service lib/systemd/system/usn@.service \
		share/bash-completion/completions/usn share/bash-completion/completions/usn-run; do
		[ -f "$f" ]
	done
	[ "$(find "$INSTALLED" -path '*/extcap/usn-extcap' -perm 755 | wc -l)" = 1 ]
	[ "$(bin/usn --version)" = "usn $(sbin/usnd --version | cut -d' ' -f2)" ]
	cp -r "$INSTALLED" "$BATS_TEST_TMPDIR/again"
	make -s -C "$BATS_TEST_DIRNAME/../.." uninstall DESTDIR="$BATS_TEST_TMPDIR/again" PREFIX=/usr
	[ -z "$(find "$BATS_TEST_TMPDIR/again" ! -type d)" ]
}

# A service manager's view of the installed tree; what they run must exist, so it stands where it will be.
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
		out=$(LC_ALL=C.UTF-8 groff -mandoc -ww -z -Tutf8 "$p" 2>&1)
		[ -z "$out" ] || { echo "$p: $out"; false; }
	done
}
