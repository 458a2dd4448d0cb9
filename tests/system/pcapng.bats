#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# usn tail -w: what is in the files, as a strict reader, tshark, capinfos and tcpdump read them, and when a new one begins.

load lib
load ../helpers/net
load ../helpers/tap

pings() { usn-run ND=usn0 -- ping -q -c "$1" -i 0.01 -W 5 10.64.0.2; }

# holds FILE CONDITION...: of its blocks. "of(KIND)" are those of a kind; "rows" are all.
holds() {
	local file=$1
	shift
	"$ROOT/tests/helpers/pcapng_read.py" "$file" >"$TMP/rows"
	python3 - "$TMP/rows" "$@" <<-'END'
		import json, sys
		rows = [json.loads(line) for line in open(sys.argv[1])]
		of = lambda kind: [r for r in rows if r["block"] == kind]
		for condition in sys.argv[2:]:
		    if not eval(condition):
		        print(*rows[:20], sep="\n")
		        sys.exit(f"not so: {condition}")
	END
}

@test "pcapng: a strict reader finds every block as the draft has it" { in_sandbox blocks; }
blocks() {
	quiet
	before=$(date +%s%N)
	tap file -s 96 -w "$TMP/file" usn0 'icmp or udp'
	pings 2
	flood 1
	end file
	after=$(date +%s%N)
	holds "$TMP/file" \
		'rows[0]["block"] == "section" and len(of("section")) == 1' \
		'rows[0]["userappl"].startswith("usn ") and rows[0]["os"].startswith("Linux ")' \
		"rows[0]['hardware'].startswith('$(uname -m)')" \
		'len(of("interface")) == 1' \
		'of("interface")[0]["name"] == "usn0" and of("interface")[0]["tsresol"] == 9' \
		'of("interface")[0]["linktype"] == 101 and of("interface")[0]["snaplen"] == 96' \
		'of("interface")[0]["filter"] == {"string": "icmp or udp"}' \
		'len(of("packet")) == 5' \
		'[p["flags"]["direction"] for p in of("packet")] == ["out", "in"] * 2 + ["out"]' \
		'[p["packetid"] for p in of("packet")] == [1, 2, 3, 4, 5]' \
		'all(p["data"][0] == "4" and "dropcount" not in p for p in of("packet"))' \
		"$before <= of('packet')[0]['time'] <= of('packet')[-1]['time'] <= $after" \
		'len(of("statistics")) == 1 and rows[-1]["block"] == "statistics"' \
		'rows[-1]["ifrecv"] == rows[-1]["filteraccept"] == rows[-1]["usrdeliv"] == 5' \
		'rows[-1]["ifdrop"] == rows[-1]["osdrop"] == 0' \
		"$before <= rows[-1]['starttime'] <= of('packet')[0]['time'] <= rows[-1]['endtime'] <= $after"
}

@test "pcapng: each process is introduced once, before its first packet" { in_sandbox processes; }
processes() {
	quiet
	tap file -w "$TMP/file" usn0
	steps app usn-run ND=usn0 --
	expect app ok "s = make(V4, UDP); s.connect(('10.64.0.2', 7))"
	for _ in 1 2; do
		expect app 1 "s.send(b'x')"
		expect app 1 'len(s.recv(9))'
	done
	# One whose name is not UTF-8, and one that is nobody's.
	cp "$(command -v ping)" "$TMP/caf"$'\xe9'
	usn-run ND=usn0 -- "$TMP/caf"$'\xe9' -q -c 1 -W 5 10.64.0.2
	ping -q -c 1 -W 5 10.64.0.3
	end file
	holds "$TMP/file" \
		'[p["name"] for p in of("process")] == ["python3", "caf?"]' \
		"of('process')[0]['pid'] == $(pid_of app) and of('process')[0]['ppid'] == $$" \
		"of('process')[0]['path'] == '$(readlink "/proc/$(pid_of app)/exe")'" \
		'of("process")[0]["uid"] == 0' \
		'of("process")[0]["starttime"] <= of("packet")[0]["time"]' \
		'of("packet")[0]["time"] - of("process")[0]["starttime"] < 60 * 10**9' \
		'of("process")[0]["comment"][0].split()[2].endswith("/usn/usn0-1")' \
		'all(p["comment"][0].startswith("cgroup ") for p in of("process"))' \
		"[p['processid_threadid'] for p in of('packet')[:4]] == [[$(pid_of app)] * 2] * 4" \
		'"processid_threadid" not in of("packet")[-2]' \
		'all(any(q["pid"] == p["processid_threadid"][0] and q["at"] < p["at"] for q in of("process"))
			for p in of("packet") if "processid_threadid" in p)'
}

@test "pcapng: tshark, capinfos and tcpdump read it" { in_sandbox as_wireshark; }
as_wireshark() {
	quiet
	tap file -w "$TMP/file" usn0
	pings 2
	end file
	tshark -n -r "$TMP/file" -Y 'icmp and not _ws.malformed' -T fields -e frame.interface_name -e frame.packet_id \
		-e frame.packet_flags_direction -e icmp.seq 2>"$TMP/err" >"$TMP/got"
	not grep -v 'Running as user' "$TMP/err"
	printf 'usn0\t%s\n' $'1\t0x00000002\t1' $'2\t0x00000001\t1' $'3\t0x00000002\t2' $'4\t0x00000001\t2' >"$TMP/want"
	diff "$TMP/want" "$TMP/got"
	# The process: versions that do not know the block show it as one of an enterprise.
	tshark -n -r "$TMP/file" -Y frame.cb_pen -T fields -e frame.cb_pen 2>/dev/null >"$TMP/got"
	not grep -vx 32622 "$TMP/got"

	capinfos "$TMP/file" >"$TMP/capinfos" 2>"$TMP/err"
	[ ! -s "$TMP/err" ]
	grep -q '^File encapsulation: *Raw IP$' "$TMP/capinfos"
	grep -q '^File timestamp precision: *nanoseconds (9)$' "$TMP/capinfos"
	grep -q '^Number of packets: *4$' "$TMP/capinfos"
	grep -q '^Capture oper-sys: *Linux ' "$TMP/capinfos"
	grep -q '^Capture application: *usn ' "$TMP/capinfos"
	grep -q 'Name = usn0$' "$TMP/capinfos"
	grep -q 'Time precision = nanoseconds (9)$' "$TMP/capinfos"
	grep -q 'Number of stat entries = 1$' "$TMP/capinfos"
	[ "$(tcpdump -nr "$TMP/file" icmp 2>/dev/null | grep -c 'ICMP echo')" = 4 ]
}

# What a tap has no room for is told at the packet behind the gap, and in the totals.
@test "pcapng: lost packets stand where they are missing" { in_sandbox losses; }
losses() {
	quiet
	tap file -B 4K -s 64 -w "$TMP/file" usn0
	kill -STOP "$(pid_of file)"
	sent=$(flood 2000)
	kill -CONT "$(pid_of file)"
	# One more, so that there is a packet behind the gap.
	eventually sh -c "[ \$(wc -c <'$TMP/file') -gt 1000 ]"
	pings 1
	end file
	holds "$TMP/file" \
		'any(p.get("dropcount") for p in of("packet"))' \
		"len(of('packet')) + sum(p.get('dropcount', 0) for p in of('packet')) == $sent + 2" \
		'rows[-1]["osdrop"] == sum(p.get("dropcount", 0) for p in of("packet"))' \
		"rows[-1]['ifrecv'] == $sent + 2 and rows[-1]['usrdeliv'] == len(of('packet'))"
	[ "$(tshark -n -r "$TMP/file" -Y 'frame.drop_count > 0' 2>/dev/null | wc -l)" -gt 0 ]
}

@test "pcapng: totals in between, when asked by SIGUSR1" { in_sandbox asked; }
asked() {
	quiet
	tap file -w "$TMP/file" usn0
	pings 1
	kill -USR1 "$(pid_of file)"
	eventually grep -q '^2 packets seen' "$TMP/file.err"
	# Complete so far, though it goes on.
	eventually holds "$TMP/file" 'rows[-1]["block"] == "statistics" and rows[-1]["usrdeliv"] == 2'
	pings 1
	end file
	holds "$TMP/file" '[s["usrdeliv"] for s in of("statistics")] == [2, 4]' \
		'of("statistics")[0]["endtime"] <= of("packet")[2]["time"]'
}

# At SIGUSR1 all so far is out.
names() {
	kill -USR1 "$(pid_of file)"
	holds "$TMP/file" "[i['name'] for i in of('interface')] == $1"
}

@test "pcapng: a device that comes up while it runs" { in_sandbox later; }
later() {
	quiet
	tap file -w "$TMP/file" all
	pings 1
	usn up usn1 Address=10.64.1.1/24
	eventually names '["usn0", "usn1"]'
	flood 1 1
	end file
	holds "$TMP/file" '[p["interface"] for p in of("packet")] == [0, 0, 1]' \
		'[s["interface"] for s in rows[-2:]] == [0, 1]'
}

# ids FILE...: the numbers of the packets in them, each read strictly and alone; and what each has to have.
ids() {
	python3 - "$ROOT/tests/helpers" "$@" <<-'END'
		import sys
		sys.path.insert(0, sys.argv[1])
		import pcapng_read
		for name in sys.argv[2:]:
		    *rows, rest = pcapng_read.read(open(name, "rb").read())
		    kinds = [r["block"] for r in rows]
		    assert not rest, name
		    assert [kinds.count(k) for k in ("section", "interface", "process")] == [1, 1, 1], name
		    packets = [r["packetid"] for r in rows if r["block"] == "packet"]
		    assert kinds[-1] == "statistics" and rows[-1]["usrdeliv"] == len(packets), name
		    print(*packets, sep="\n")
	END
}

@test "pcapng: a new file by size, and a ring of them" { in_sandbox by_size; }
by_size() {
	quiet
	mkdir "$TMP/plain" "$TMP/ring"
	tap whole -C 8K -w "$TMP/plain/f" usn0
	tap newest -C 8K -W 11 -w "$TMP/ring/f" usn0
	flood 1500
	end whole
	end newest
	[ "$(grep -h 'packets seen' "$TMP/whole.err" "$TMP/newest.err" | uniq)" = '1500 packets seen, 0 lost' ]
	[ "$(stat -c %a "$TMP/plain/f")" = 640 ]

	# All packets, in order; only the last file may be small.
	cd "$TMP/plain"
	[ "$(printf '%s\n' f* | sort -V | head -n 3 | xargs)" = 'f f1 f2' ]
	mapfile -t files < <(printf '%s\n' f* | sort -V)
	[ "${#files[@]}" -gt 12 ]
	ids "${files[@]}" | diff <(seq 1500) -
	stat -c %s "${files[@]}" | head -n -1 | sort -n >"$TMP/sizes"
	[ "$(head -n 1 "$TMP/sizes")" -gt 8192 ]
	[ "$(tail -n 1 "$TMP/sizes")" -lt 9192 ]

	# The ring has the newest ones.
	cd "$TMP/ring"
	[ "$(echo f*)" = "$(seq -f 'f%02g' 0 10 | xargs)" ]
	ids f* | sort -n >"$TMP/ids"
	diff <(seq "$(head -n 1 "$TMP/ids")" 1500) "$TMP/ids"
	for f in f00 f07; do
		capinfos -M $f >"$TMP/capinfos" 2>"$TMP/err"
		[ ! -s "$TMP/err" ]
	done
}

@test "pcapng: a new file by time, until there are enough" { in_sandbox by_time; }
by_time() {
	quiet
	tap file -G 1 -W 2 -w "$TMP/%s.pcapng" usn0
	usn-run ND=usn0 -- ping -q -i 0.05 -W 5 10.64.0.2 >"$TMP/ping" &
	# It ends by itself, and well, when the third would begin.
	wait "$(pid_of file)"
	kill -INT $!
	[ "$(ls "$TMP"/*.pcapng | wc -l)" = 2 ]
	all=0
	for f in "$TMP"/*.pcapng; do
		holds "$f" 'of("process") and of("statistics")' \
			'10**9 <= rows[-1]["endtime"] - rows[-1]["starttime"] < 10**10' \
			'of("packet")[-1]["time"] - of("packet")[0]["time"] <= 10**9'
		all=$((all + $(tshark -n -r "$f" -Y icmp 2>/dev/null | wc -l)))
	done
	grep -q "^$all packets seen" "$TMP/file.err"
}

# At any byte: what is whole before it is there.
@test "pcapng: a file that is cut off at any moment has all whole blocks" { in_sandbox cut; }
cut() {
	quiet
	tap file -w "$TMP/file" usn0
	pings 3
	end file
	python3 - "$ROOT/tests/helpers" "$TMP/file" <<-'END'
		import sys
		sys.path.insert(0, sys.argv[1])
		import pcapng_read
		data = open(sys.argv[2], "rb").read()
		whole = [r["at"] for r in list(pcapng_read.read(data))[:-1]] + [len(data)]
		for n in range(len(data) + 1):
		    *rows, rest = pcapng_read.read(data[:n])
		    assert len(rows) == sum(end <= n for end in whole[1:]), n
		    assert n - rest == whole[len(rows)], n
	END
	for _ in 1 2 3 4 5; do
		tap killed -w "$TMP/killed" usn0
		flood 20000 >"$TMP/sent" &
		eventually sh -c "[ \$(wc -c <'$TMP/killed') -gt 10000 ]"
		kill -KILL "$(pid_of killed)"
		wait "$(pid_of killed)" || :
		wait $!
		"$ROOT/tests/helpers/pcapng_read.py" --cut "$TMP/killed" >"$TMP/rows"
		grep -c '"block": "packet"' "$TMP/rows"
	done
}

@test "pcapng: a full disk, and the packets that are safe in several files" { in_sandbox full; }
full() {
	quiet
	mkdir "$TMP/disk"
	mount -t tmpfs -o size=128k tmpfs "$TMP/disk"
	tap file -C 20K -w "$TMP/disk/f" usn0
	flood 3000
	status=0
	wait "$(pid_of file)" || status=$?
	[ $status = 1 ]
	safe=$(sed -n 's/.* No space left on device; \([0-9]*\) packets are safe$/\1/p' "$TMP/file.err")
	[ "$safe" -gt 100 ]
	# The file that has no room for its first block is an empty one.
	for f in "$TMP"/disk/*; do
		[ ! -s "$f" ] || "$ROOT/tests/helpers/pcapng_read.py" "$f"
	done >"$TMP/rows"
	[ "$(grep -c '"block": "packet"' "$TMP/rows")" = "$safe" ]
}

@test "pcapng: into a FIFO and to the standard output" { in_sandbox fifo; }
fifo() {
	quiet
	mkfifo "$TMP/fifo"
	tshark -l -n -r "$TMP/fifo" -Y icmp -T fields -e frame.packet_id >"$TMP/ids" 2>/dev/null &
	tap file -c 4 -w "$TMP/fifo" usn0
	pings 2
	wait "$(pid_of file)"
	wait %1
	[ "$(xargs <"$TMP/ids")" = '1 2 3 4' ]
	tap out -c 2 -w - usn0
	pings 1
	wait "$(pid_of out)"
	holds "$TMP/out" 'len(of("packet")) == 2'
}
