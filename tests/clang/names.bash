# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# The compilers that usn is for, for the scripts of this folder, which are called in the top folder.

# Versions of clang, and the release of Debian that is asked for those that this machine has not.
# shellcheck disable=SC2034
ALL=(14 15 16 17 18 19 22)

suite_of() {
	case $1 in
	14 | 15 | 16) echo "12 bookworm" ;;
	*) echo "13 trixie" ;;
	esac
}

# root_for SUITE: the root directory of a release, with the compilers in it; NAME is 12 or 13.
root_of() {
	echo "build/distro/clang-$1.root"
}

# compiler VERSION: the command of that clang; fails if it is nowhere yet.
compiler() {
	local name suite root
	if command -v "clang-$1" >/dev/null; then
		echo "clang-$1"
		return
	fi
	read -r name suite <<<"$(suite_of "$1")"
	root=$(root_of "$name")
	[ -x "$root/usr/bin/clang-$1" ] && echo "tests/clang/in $root clang-$1"
}
