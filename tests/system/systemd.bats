#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# In a systemd that is process 1: units, scopes, restarts of the agent, units of others, and ordinary users.
# One system is booted for all tests, in order; none needs what another has left.

load lib
load ../helpers/net

setup_file() {
	export BOOT=$BATS_FILE_TMPDIR/boot ROOT="$BATS_TEST_DIRNAME/../.." BOOTED=0
	"$ROOT/tests/systemd/boot" "$BOOT" 2>"$BATS_FILE_TMPDIR/why" 3>&- || BOOTED=$?
	[ "$BOOTED" != 0 ] || there bash -ec '
		useradd alice; useradd bob; groupadd lab; useradd -G lab carol
		mkdir -p /etc/usn
		systemctl start usnd'
}

teardown_file() {
	[ "$BOOTED" != 0 ] || "$ROOT/tests/systemd/boot" --end "$BOOT"
}

setup() {
	[ "$BOOTED" != 77 ] || skip "$(cat "$BATS_FILE_TMPDIR/why")"
	[ "$BOOTED" = 0 ] || { cat "$BATS_FILE_TMPDIR/why"; return 1; }
	OUT=$BATS_TEST_TMPDIR
}

teardown() {
	[ "$BOOTED" != 0 ] || there bash -c '
		systemctl stop "t-*.service" "usn-*.scope" 2>/dev/null
		usn down --force usn0 usn1 2>/dev/null
		systemctl stop usn@usn0 2>/dev/null
		systemctl reset-failed
		rm -rf /etc/usn/* /etc/systemd/system/t-*
		systemctl daemon-reload
		systemctl is-active -q usnd || systemctl start usnd'
}

# there COMMAND...: in the booted system, as root, with its environment.
there() {
	nsenter -t "$(cat "$BOOT/leader")" -a timeout 120 env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 "$@" 3>&-
}

# The process of a command that was started in the background: its number there.
unit_pid() { there systemctl show -P MainPID "$1"; }

# A unit that runs until it is stopped: t-NAME.service.
service() {
	local name=$1
	shift
	there systemd-run -q --collect --unit="t-$name" "$@"
}

# fifos NAME...: in /run there.
fifos() {
	there bash -ec 'cd /run; rm -f ready "$@"; mkfifo "$@"' - "$@"
}

@test "systemd: usnd and a device's unit start, restart and stop cleanly" {
	there bash -ec 'printf "[Device]\nPeer=echo\n" >/etc/usn/usn0.conf; systemctl start usn@usn0'
	there usn-run ND=usn0 -- ping -qc 1 -W 5 10.64.0.2
	there systemctl restart usnd usn@usn0
	[ "$(there systemctl is-active usnd usn@usn0)" = $'active\nactive' ]
	there usn-run ND=usn0 -- ping -qc 1 -W 5 10.64.0.2
	there systemctl stop usn@usn0 usnd
	[ "$(there systemctl is-failed usnd usn@usn0)" = $'inactive\ninactive' ]
	not there ip link show usn0
	not there test -e /sys/fs/bpf/usn
	there systemctl start usn@usn0
	[ "$(there systemctl is-active usnd)" = active ]
}

@test "systemd: a run is a scope in usn.slice that says device and command, and ends with it" {
	there usn up usn0
	service app usn-run ND=usn0 -- sleep infinity
	eventually there systemctl -q is-active 'usn-usn0-sleep-*.scope'
	scope=$(there systemctl list-units --plain --no-legend 'usn-usn0-sleep-*.scope' | awk '{ print $1 }')
	[ "$(there systemctl show -P Slice "$scope")" = usn.slice ]
	[ "$(there systemctl show -P Description "$scope")" = "sleep on usn0" ]
	there systemctl status --no-pager "$scope" | has 'sleep infinity'
	there systemd-cgls --no-pager -u usn.slice | has "$scope"
	there usn list | has "$scope"
	[ "$(there systemctl show -P ControlGroup "$scope")" = "/usn.slice/$scope" ]
	there systemctl stop "$scope"
	eventually bash -c "! nsenter -t $(cat "$BOOT/leader") -a usn list | grep -q $scope"
	there usn down usn0
	# What somebody calls his program is no unit's name.
	there usn up usn0
	there bash -ec 'cp /bin/true "/run/x y;@..-é"; usn-run ND=usn0 -- "/run/x y;@..-é"'
}

@test "systemd: the first socket of a run in a scope is bound, and what leaves is guarded" {
	there usn up usn0
	[ "$(there usn-run ND=usn0 -- python3 -c '
from socket import *
s = socket(AF_INET, SOCK_DGRAM)
print(s.getsockopt(SOL_SOCKET, 25, 16).rstrip(b"\0").decode())')" = usn0 ]
	[ "$(there usn-run ND=usn0 --except 192.0.2.0/24 -- python3 -c '
from socket import *
s = socket(AF_INET, SOCK_DGRAM)
s.connect(("192.0.2.1", 9))
print(s.getsockopt(SOL_SOCKET, 25, 16))' 2>&1 | tail -n 1)" != "b'usn0\\x00'" ]
	[ "$(there usn show --json usn0 | value "d['verdicts']" | tee "$OUT/verdicts" | grep -c "'bound': [1-9]")" = 1 ] || { cat "$OUT/verdicts"; return 1; }
}

# A conversation by TCP between two runs, over a rig that joins two devices.
converse() {
	there usn up usn0 usn1
	service rig usn rig usn0 -- bash -c "exec 5<&3; exec usn rig usn1 -- '$ROOT/build/tests/rig_join' 3 5"
	eventually there bash -c 'usn show --json usn0 | grep -q rig_join && usn show --json usn1 | grep -q rig_join'
	service server usn-run ND=usn1 -- socat TCP-LISTEN:7000,bind=10.64.1.1,reuseaddr EXEC:cat
	eventually there bash -c 'ss -Hltn | grep -q :7000'
	service client usn-run ND=usn0 -- bash -c 'until exec 4<>/dev/tcp/10.64.1.1/7000; do sleep 0.1; done
		while read -r line </run/ask; do echo "$line" >&4; read -r answer <&4; echo "$answer" >/run/answer; done'
}

say() { there timeout 60 bash -c "echo $1 >/run/ask; cat /run/answer"; }

@test "systemd: a restart of the agent leaves runs, devices, connections, rigs and taps alone" {
	fifos ask answer
	converse
	[ "$(say one)" = one ]
	before=$(there cat /sys/class/net/usn0/ifindex)
	pid=$(unit_pid usnd)
	service tap bash -c 'exec usn tail -Q out -w /run/tap.pcapng usn0 tcp 2>/run/tap.err'
	eventually there grep -q 'listening on' /run/tap.err
	there systemctl restart usnd
	[ "$(unit_pid usnd)" != "$pid" ]
	[ "$(there cat /sys/class/net/usn0/ifindex)" = "$before" ]
	[ "$(say two)" = two ]
	# Its rig is known again, and so are the runs.
	there usn show --json usn0 | value "d['rig']['command']" | has -x rig_join
	there usn list | has 'usn-usn0-bash-'
	fails 1 'is in use by' there usn down usn0
	# Also when it is killed.
	there systemctl kill -s KILL usnd
	[ "$(say three)" = three ]
	# Who asks meanwhile waits for it, and starts none that would be in its way.
	there usn list
	there systemctl -q is-active usnd
	[ "$(say four)" = four ]
	there usn show --json usn0 | value "d['rig']['command']" | has -x rig_join
	there bash -c 'kill -INT $(systemctl show -P MainPID t-tap)'
	eventually there grep -q 'packets seen, 0 lost' /run/tap.err
	[ "$(there tshark -n -r /run/tap.pcapng -Y 'tcp.len > 0' 2>/dev/null | wc -l)" -ge 3 ]
}

@test "systemd: what is sent while there is no agent waits in the kept queue" {
	there usn up usn0 Peer=echo
	fifos go echoed
	service app usn-run ND=usn0 -- python3 -c '
from socket import *
s = socket(AF_INET, SOCK_DGRAM)
s.connect(("10.64.0.2", 7))
open("/run/ready", "w").close()
while True:
    with open("/run/go") as go:
        s.send(go.read().encode())
    with open("/run/echoed", "w") as out:
        out.write(s.recv(99).decode())'
	eventually there test -e /run/ready
	there bash -ec 'systemctl kill -s KILL usnd; echo -n kept >/run/go; ! systemctl -q is-active usnd'
	[ "$(there timeout 60 cat /run/echoed)" = kept ]
}

# Whoever asks in the gap waits, and starts no agent that would be in the way.
@test "systemd: a restart of the agent is not disturbed by those who ask meanwhile" {
	there usn up usn0 Peer=echo
	there rm -f /run/asked /run/enough
	for name in one two; do
		service $name bash -c 'until [ -e /run/enough ]; do
			usn list >/dev/null 2>>/run/wrong || echo "usn list: $?" >>/run/wrong
			echo asked >>/run/asked
		done'
	done
	for _ in {1..10}; do
		there bash -ec 'n=$(cat /run/asked | wc -l); until [ "$(cat /run/asked | wc -l)" -gt $n ]; do sleep 0.01; done'
		there systemctl reset-failed usnd
		there systemctl restart usnd
	done
	there touch /run/enough
	[ "$(there systemctl is-active usnd)" = active ]
	eventually bash -c "! nsenter -t $(cat "$BOOT/leader") -a systemctl -q is-active t-one t-two"
	there bash -c 'cat /run/wrong 2>/dev/null' >"$OUT/wrong" || :
	[ ! -s "$OUT/wrong" ] || { cat "$OUT/wrong"; return 1; }
	there usn-run ND=usn0 -- ping -qc 1 -W 5 10.64.0.2
}

@test "systemd: an agent that was started on demand gives way to usnd.service, with all that it has" {
	there systemctl stop usnd
	# In units of a manager that wants to be told: what the agent inherits there is not for it.
	service up -p Type=notify -p RemainAfterExit=yes bash -c 'usn up usn0 Peer=echo && usn up usn1; systemd-notify --ready; sleep infinity'
	there bash -ec '[ $(pidof usnd | wc -w) = 1 ]; ! systemctl -q is-active usnd'
	service app usn-run ND=usn0 -- sleep infinity
	service rig usn rig usn1 -- sleep infinity
	eventually there bash -c 'usn show usn0 | grep -q sleep && usn show usn1 | grep -q sleep'
	there systemctl start usnd
	[ "$(there pidof usnd)" = "$(unit_pid usnd)" ]
	there usn-run ND=usn0 -- ping -qc 1 -W 5 10.64.0.2
	fails 1 'is in use by' there usn down usn0
	# The rig is one for every agent that follows.
	for _ in 1 2; do
		fails 1 'has a rig already' there usn rig usn1 -- true
		there systemctl restart usnd
	done
	there systemctl stop t-up
	there usn show --json usn1 | value "d['rig']['command']" | has -x sleep
}

@test "systemd: an agent that was started by hand stays, and usnd.service says so" {
	there systemctl stop usnd
	there usnd
	not there systemctl start usnd
	there journalctl -u usnd -o cat --no-pager | has 'an agent is running already'
	there usn list
	there bash -ec 'systemctl stop usnd; kill $(pidof usnd); while [ -e /run/usn/usnd.sock ]; do sleep 0.01; done'
	there systemctl start usnd
}

@test "systemd: a unit of others is bound from its first socket by ExecStartPre=+usn bind --unit" {
	there usn up usn0
	there bash -ec '
		mkdir -p /etc/systemd/system/t-foreign.service.d
		cat >/etc/systemd/system/t-foreign.service <<-END
			[Service]
			User=alice
			ExecStart=/usr/bin/python3 -c "from socket import *; from time import sleep; print(socket(AF_INET, SOCK_DGRAM).getsockopt(SOL_SOCKET, 25, 16), flush=True); sleep(999)"
			StandardOutput=file:/run/foreign
		END
		printf "[Unit]\nRequires=usn@usn0.service\nAfter=usn@usn0.service\n[Service]\nExecStartPre=+usn bind --unit usn0\n" \
			>/etc/systemd/system/t-foreign.service.d/usn.conf
		systemctl daemon-reload; systemctl start t-foreign'
	eventually there grep -q . /run/foreign
	there cat /run/foreign | has "b'usn0"
	there usn list | has '/system.slice/t-foreign.service'
	there systemctl restart usnd
	there usn list | has '/system.slice/t-foreign.service'
	there systemctl stop t-foreign
	eventually bash -c "! nsenter -t $(cat "$BOOT/leader") -a usn list | grep -q t-foreign"
	# Without the device it does not start.
	there usn down usn0
	there bash -c 'printf "[Device]\nPeer=nobody\n" >/etc/usn/usn0.conf'
	not there systemctl start t-foreign
	[ "$(there systemctl is-active t-foreign)" != active ]
}

@test "systemd: stopping the unit of a device in use is refused, and its run stays bound" {
	there systemctl start usn@usn0
	fifos go said
	service app usn-run ND=usn0 -- python3 -c '
from socket import *
open("/run/ready", "w").close()
while True:
    with open("/run/go") as go:
        go.read()
    with open("/run/said", "w") as out:
        out.write(socket(AF_INET, SOCK_DGRAM).getsockopt(SOL_SOCKET, 25, 16).rstrip(b"\0").decode())'
	eventually there systemctl -q is-active 'usn-usn0-python3-*.scope'
	there systemctl stop usn@usn0
	[ "$(there systemctl is-failed usn@usn0)" = failed ]
	there journalctl -u usn@usn0 | has 'usn0 is in use by'
	there ip link show usn0
	there bash -c 'echo >/run/go'
	[ "$(there timeout 60 cat /run/said)" = usn0 ]
}

@test "systemd: the units are sound, and usnd has no more rights than it needs" {
	[ -z "$(there systemd-analyze verify usnd.service usn@usn0.service usn.slice 2>&1)" ]
	# Tenths: 10.0 is no protection at all.
	there systemd-analyze security --threshold=50 usnd.service >"$OUT/security" || { cat "$OUT/security"; return 1; }
}

# tails USER: sees what root sees, with a filter and through a restart of the agent.
tails() {
	service tap bash -c "runuser -u $1 -- usn tail --json usn0 udp >/run/tail 2>/run/tail.err"
	service root bash -c 'usn tail --json usn0 udp >/run/root 2>/run/root.err'
	eventually there grep -q 'listening on' /run/tail.err
	eventually there grep -q 'listening on' /run/root.err
	there usn-run ND=usn0 -- ping -qc 1 -W 5 10.64.0.2
	there usn-run ND=usn0 -- bash -c 'echo one >/dev/udp/10.64.0.2/7'
	there systemctl restart usnd
	there usn-run ND=usn0 -- bash -c 'echo two >/dev/udp/10.64.0.2/7'
	# Out and, from the peer, in again; whose the answers are is known as long as the socket is there.
	eventually there bash -c '[ "$(wc -l </run/tail)" = 4 ] && [ "$(wc -l </run/root)" = 4 ]'
	there pkill -INT -x usn
	eventually there grep -qx '4 packets seen, 0 lost' /run/tail.err
	# The clocks of day that each has read are some nanoseconds apart, and so are the stamps of two programs.
	there bash -c 'diff <(sed "s/\"time.*\"device/\"device/" /run/tail) <(sed "s/\"time.*\"device/\"device/" /run/root)'
	there cat /run/tail | has '"comm":"bash"'
}

@test "systemd: who is named in the device's file may run on it, look at it and be its rig, and nobody else" {
	there bash -ec 'printf "[Device]\nPeer=echo\nUser=alice\nGroup=lab\n" >/etc/usn/usn0.conf; usn up usn0 usn1'
	# As systemd sets it at boot on Debian 13, where ping has no rights of its own.
	there bash -c 'echo 0 2147483647 >/proc/sys/net/ipv4/ping_group_range'
	for user in alice carol; do
		there runuser -u $user -- usn-run ND=usn0 -- ping -qc 1 -W 5 10.64.0.2
		there runuser -u $user -- usn list | has '^usn0 '
		there runuser -u $user -- usn list | not has '^usn1 '
		there runuser -u $user -- usn rig usn0 -- true
	done
	[ "$(there runuser -u alice -- usn-run ND=usn0 -- python3 -c '
from socket import *
print(open("/proc/self/cgroup").read().splitlines()[-1], socket(AF_INET, SOCK_DGRAM).getsockopt(SOL_SOCKET, 25, 16))' |
		sed 's/-[0-9]*\.scope/-N.scope/')" = "0::/usn.slice/usn-usn0-python3-N.scope b'usn0\\x00'" ]
	allowed='the line User=bob below [Device] in /etc/usn/usn0.conf would allow it'
	fails 125 "usn-run: usn0 is not for bob: $allowed" there runuser -u bob -- usn-run ND=usn0 -- true
	fails 1 "usn rig: usn0 is not for bob: $allowed" there runuser -u bob -- usn rig usn0 -- true
	fails 1 "usn tail: usn0 is not for bob: $allowed" there runuser -u bob -- usn tail -c 1 usn0
	fails 1 "usn show: usn0 is not for bob: $allowed" there runuser -u bob -- usn show usn0
	fails 1 "usn tail: only root can follow all devices" there runuser -u bob -- usn tail all
	# That is what it says; and what is said of one device is not said of another.
	there bash -c 'echo User=bob >>/etc/usn/usn0.conf'
	there runuser -u bob -- usn-run ND=usn0 -- true
	fails 125 'usn1 is not for bob' there runuser -u bob -- usn-run ND=usn1 -- true
	tails alice
	# Devices themselves are root's.
	fails 1 'root' there runuser -u alice -- usn up usn2
	fails 1 'root' there runuser -u alice -- usn down usn0
}

@test "systemd: make uninstall names the units that are up, and FORCE=1 ends and forgets them" {
	there bash -ec '
		cd "$1"
		systemctl -q enable usnd usn@usn0
		systemctl start usnd usn@usn0
		usn up usn1
		if make -s uninstall PREFIX=/usr 2>/run/uninstall-said; then exit 1; fi
		systemctl is-active usnd usn@usn0
		make -s uninstall PREFIX=/usr FORCE=1' - "$(realpath "$ROOT")"
	units="usn@usn0.service usnd.service"
	there cat /run/uninstall-said |
		has -F "still up: usn0 usn1, $units: \"usn down usn1\", then \"systemctl stop $units\", or "
	there bash -ec '
		[ -z "$(systemctl list-units --all --plain --no-legend "usn*")" ]
		[ -z "$(find /etc/systemd/system -name "usn*")" ]
		[ ! -e /sys/fs/bpf/usn ]
		[ ! -e /run/usn ]
		if grep usn /proc/net/dev; then exit 1; fi
		if pidof usnd; then exit 1; fi'
	# For what comes after.
	"$ROOT/tests/helpers/own-build" "$BATS_FILE_TMPDIR/build" make -s -C "$ROOT" install DESTDIR="$BOOT/root" PREFIX=/usr
}
