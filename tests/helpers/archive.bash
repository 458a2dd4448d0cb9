# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# Packages of a suite of Debian's archive, for scripts that unpack them somewhere. Nothing is
# installed, and the system's apt stays as it is: source list, lists and cache are others. The
# archive is the one that apt uses here.
#
# Who sources this has die REASON. find_archive comes first, then read_suite, then the rest.

# find_archive WHAT: where the folders "debian" and "debian-security" are, for the machine's own
# apt. WHAT: what others than Debian's have to unpack by themselves.
find_archive() {
	if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
		die "this needs apt-get and dpkg-deb: run it on Debian, or unpack $1 yourself"
	fi
	archive=$(apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | sed -n 's#/debian/*$##p' | head -n 1)
	[ -n "$archive" ] || die "apt has no Debian archive here: run it on Debian"
}

# apt TOOL ARGUMENT...: for the suite that was read, and without the packages that are installed
# here. ARCH=: of another architecture than this machine's.
apt() {
	local tool=$1 machine=${ARCH:-$(dpkg --print-architecture)}
	shift
	"$tool" -q -o APT::Architecture="$machine" -o APT::Architectures="$machine" -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=/dev/null \
		-o Dir::State::lists="$work/lists" -o Dir::Cache="$work/cache" -o Dir::State::status=/dev/null \
		-o APT::Sandbox::User=root -o Acquire::Retries=2 -o Acquire::http::Timeout=20 "$@"
}

# read_suite SUITE DIR: what there is, now. Source list, lists and cache are in DIR.
read_suite() {
	local suite=$1 folder=debian
	work=$2
	case $suite in *-security) folder=debian-security ;; esac
	mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $archive/$folder $suite main" >"$work/sources.list"
	apt apt-get update --error-on=any >"$work/log" 2>&1 ||
		die "cannot read the suite '$suite' ($(grep -m 1 '^[EW]:' "$work/log" || echo "see $work/log")): is there a network?"
}

# unpacked WORK: the folder of the time before, as WORK/folder has it, if it is still there.
unpacked() {
	[ -e "$1/folder" ] && [ -d "$(cat "$1/folder")" ] && cat "$1/folder"
}

# unpack DIR PACKAGE...: all of them, or the folder is not there.
unpack() {
	local dir=$1 deb
	shift
	rm -rf "$work/debs" "$dir.new"
	mkdir -p "$work/debs" "$dir.new"
	(cd "$work/debs" && apt apt-get download "$@") >"$work/log" 2>&1 ||
		die "cannot fetch $1 ($(grep -m 1 '^[EW]:' "$work/log")): is there a network?"
	for deb in "$work"/debs/*.deb; do
		dpkg-deb -x "$deb" "$dir.new"
	done
	rm -rf "$work/debs"
	mv -T "$dir.new" "$dir"
}
