#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# libusn as other programs have it: installed, found by pkg-config, used from C, C++ and Python.

load lib

setup_file() {
	export INSTALLED="$BATS_FILE_TMPDIR/root"
	export BUILD="$BATS_FILE_TMPDIR/build"
	"$BATS_TEST_DIRNAME/../helpers/own-build" "$BUILD" make -s -C "$BATS_TEST_DIRNAME/../.." install DESTDIR="$INSTALLED" PREFIX=/usr LIBDIR=/usr/lib/here >/dev/null
}

setup() {
	export INSTALLED HERE="$INSTALLED/usr/lib/here"
	export LD_LIBRARY_PATH="$HERE"
	# The tree stands where it will not be installed: pkg-config puts that before the paths.
	export PKG_CONFIG_PATH="$HERE/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$INSTALLED"
}

# compile SOURCE PROGRAM
compile() {
	# shellcheck disable=SC2046
	cc -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -o "$2" "$1" $(pkg-config --cflags --libs usn)
}

@test "libusn: only usn_tap_* is exported, every name in its version" {
	names=$(nm -D --defined-only "$HERE/libusn.so.0" | awk '$2 != "A" { print $3 }')
	[ "$(grep -cE '^usn_tap_[a-z_]+@@USN_[0-9.]+$' <<<"$names")" = "$(wc -l <<<"$names")" ]
	# All that the header has, and no more.
	[ "$(sed 's/@.*//' <<<"$names" | sort)" = "$(grep -oE '\busn_tap_[a-z_]+\([a-z]' "$INSTALLED/usr/include/usn.h" | sed 's/(.*//' | sort -u)" ]
	objdump -p "$HERE/libusn.so.0" | has 'SONAME  *libusn.so.0$'
	[ "$(readlink "$HERE/libusn.so")" = libusn.so.0 ]
	# Who links with it needs nothing else, and no path of the build is in it.
	[ "$(pkg-config --libs usn | xargs)" = "-L$HERE -lusn" ]
	[ "$(pkg-config --modversion usn)" = "$("$INSTALLED/usr/bin/usn" --version | cut -d' ' -f2)" ]
	[ -z "$(objdump -p "$HERE/libusn.so.0" | sed -n '/R\(UN\)\?PATH/p')" ]
}

@test "libusn: the manual has every function" {
	page="$INSTALLED/usr/share/man/man3/usn_tap.3"
	[ "$(sed -n 's/^\.Fo //p' "$page" | sort)" = "$(grep -oE '\busn_tap_[a-z_]+\([a-z]' "$INSTALLED/usr/include/usn.h" | sed 's/(.*//' | sort -u)" ]
	# Its example is a program.
	sed -n '/^\.Bd -literal/,/^\.Ed/{/^\.[BE]d/d;s/\\e/\\/g;p}' "$page" | awk '/^#include/ { on = 1 } on' >"$BATS_TEST_TMPDIR/example.c"
	compile "$BATS_TEST_TMPDIR/example.c" "$BATS_TEST_TMPDIR/example"
}

@test "libusn: C++ takes the header" {
	command -v g++ >/dev/null || skip "g++ is not here"
	printf '#include <usn.h>\nint main() { usn_tap_options o = {}; o.size = sizeof(o); usn_tap_close(nullptr); return o.size == 0; }\n' \
		>"$BATS_TEST_TMPDIR/plus.cc"
	# shellcheck disable=SC2046
	g++ -std=c++11 -Wall -Wextra -Wpedantic -Werror -o "$BATS_TEST_TMPDIR/plus" "$BATS_TEST_TMPDIR/plus.cc" \
		$(pkg-config --cflags --libs usn)
	"$BATS_TEST_TMPDIR/plus"
}

# What an example printed: three pings and their answers, of the process that pinged.
check_lines() {
	eventually eval '[ "$(grep -c "/ping 84" "$TMP/out")" = 6 ]'
	local pid
	pid=$(sed -n 's|.* Out \([0-9]*\)/ping 84.*|\1|p' "$TMP/out" | sort -u)
	[ "$pid" = "$(cat "$TMP/pid")" ]
	[ "$(grep -cE "^[0-9]{10}\.[0-9]{9} Out $pid/ping 84( 45)?\$" "$TMP/out")" = 3 ]
	[ "$(grep -cE "^[0-9]{10}\.[0-9]{9} In $pid/ping 84( 45)?\$" "$TMP/out")" = 3 ]
}

# example COMMAND...: runs it while somebody pings.
example() {
	usn up usn0 Peer=echo
	"$@" >"$TMP/out" 2>"$TMP/err" &
	local tap=$!
	eventually grep -q 'listening on usn0' "$TMP/err"
	usn-run ND=usn0 -- sh -c 'echo $$ >"$TMP/pid"; exec ping -q -c 3 -i 0.01 -W 5 10.64.0.2'
	check_lines
	kill "$tap"
}

@test "libusn: the example in C prints time, owner and length" {
	compile "$INSTALLED/usr/share/doc/usn/examples/tap.c" "$BATS_TEST_TMPDIR/tap"
	in_sandbox c_example
}
c_example() { example "$TMP/tap" usn0; }

@test "libusn: the example in Python prints the same, and the bytes behind the record" {
	in_sandbox python_example
}
python_example() { example python3 "$INSTALLED/usr/share/doc/usn/examples/tap.py" usn0 icmp; }

@test "libusn: Python's structures have the header's sizes" {
	cat >"$BATS_TEST_TMPDIR/sizes.c" <<'EOF'
#include <stdio.h>
#include <usn.h>

int main(void)
{
	printf("%zu %zu %zu %zu %zu\n", sizeof(struct usn_err), sizeof(struct usn_tap_options), sizeof(struct usn_record),
	       offsetof(struct usn_tap_options, filter), offsetof(struct usn_record, gso_segs));
	return 0;
}
EOF
	compile "$BATS_TEST_TMPDIR/sizes.c" "$BATS_TEST_TMPDIR/sizes"
	python=$(cd "$INSTALLED/usr/share/doc/usn/examples" && python3 -B -c '
from ctypes import sizeof
from tap import Error, Options, Record
print(sizeof(Error), sizeof(Options), sizeof(Record), Options.filter.offset, Record.gso_segs.offset)')
	[ "$python" = "$("$BATS_TEST_TMPDIR/sizes")" ]
}

contract() {
	compile "$BATS_TEST_DIRNAME/../helpers/libusn/contract.c" "$BATS_TEST_TMPDIR/contract"
}

@test "libusn: what is wrong is refused, with its errno and one line" {
	contract
	in_sandbox errors
}
errors() {
	"$TMP/contract" agentless
	usn up usn0 Peer=echo
	"$TMP/contract" errors usn0
}

@test "libusn: a wait ends in its time or with a signal, and the descriptor is readable when packets came" {
	contract
	in_sandbox waiting
}
waiting() {
	usn up usn0 Peer=echo
	"$TMP/contract" wait usn0
	coproc P { "$TMP/contract" poll usn0; }
	local pid=$P_PID
	read -r _ <&"${P[0]}"
	usn-run ND=usn0 -- ping -q -c 1 -W 5 10.64.0.2
	wait "$pid"
}

# 64K hold about 500 of the datagrams.
@test "libusn: a reader whose clock stands still is woken when half of the ring is not read, and not before" {
	contract
	in_sandbox behind
}
behind() {
	sysctl -qw net.ipv6.conf.default.disable_ipv6=1
	usn up usn0 Address=10.64.0.1/24
	mkfifo "$TMP/go"
	"$TMP/contract" behind usn0 <"$TMP/go" >"$TMP/said" &
	local pid=$!
	exec 9>"$TMP/go"
	eventually grep -q ready "$TMP/said"
	flood 150
	echo >&9
	eventually grep -q few "$TMP/said"
	flood 200
	echo >&9
	wait "$pid"
	[ "$(tail -n 1 "$TMP/said")" = 'delivered 350 lost 0' ]
}

@test "libusn: the views of a batch stay what they are while the ring overflows, and nothing is uncounted" {
	contract
	in_sandbox held
}
held() {
	usn up usn0 Peer=echo
	mkfifo "$TMP/go"
	"$TMP/contract" hold usn0 <"$TMP/go" >"$TMP/said" &
	local pid=$!
	exec 9>"$TMP/go"
	eventually grep -q ready "$TMP/said"
	usn-run ND=usn0 -- ping -q -c 4 -i 0.01 -W 5 10.64.0.2
	echo >&9
	eventually grep -qx 'held 8' "$TMP/said"
	usn-run ND=usn0 -- ping -q -c 30 -i 0.01 -W 5 10.64.0.2
	echo >&9
	wait "$pid"
	[ "$(awk '/^delivered/ { print $2 + $4 }' "$TMP/said")" = 68 ]
}
