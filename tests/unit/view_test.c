// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The two views of a row, to the byte. The lines are what tcpdump 4.99.3 -nS printed for the same
 * bytes, but for UDP-Lite and SCTP, of which the text view shows the ports and the length.
 */
#include <jansson.h>
#include <linux/if_ether.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "capture/view.h"

#define PACKET_SIZE 256
/* 2023-11-14 22:13:20 UTC */
#define SAMPLE_NS 1700000000123456789ULL

static const struct sample {
	uint32_t beyond; /* bytes of the packet that were not captured */
	const char *line;
	const char *hex;
} samples[] = {
	{ 0, "IP 10.64.0.1 > 10.64.0.2: ICMP echo request, id 1, seq 1, length 64",
	  "4500005412344000400113f30a4000010a400002080000eb00010001000102030405060708090a0b"
	  "0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f30313233"
	  "34353637" },
	{ 0, "IP 10.64.0.1.40000 > 10.64.0.2.80: Flags [S], seq 1, win 64240, length 0",
	  "45000028123400004006541a0a4000010a4000029c40005000000001000000005002faf003de0000" },
	{ 0, "IP 10.64.0.2.80 > 10.64.0.1.40000: Flags [S.], seq 1, ack 2, win 64240, length 0",
	  "45000028123400004006541a0a4000020a40000100509c4000000001000000025012faf003cc0000" },
	{ 0,
	  "IP 10.64.0.1.40000 > 10.64.0.2.9999: Flags [P.], seq 1:11, ack 77, win 502, length 10",
	  "4500003212340000400654100a4000010a4000029c40270f000000010000004d501801f67b520000"
	  "78787878787878787878" },
	{ 0, "IP 10.64.0.1.1000 > 10.64.0.2.7: UDP, length 5",
	  "4500002112340000401154160a4000010a40000203e80007000da39068656c6c6f" },
	{ 0, "IP 10.64.0.1.1000 > 10.64.0.2.7: UDP, length 2000",
	  "4500002c123420004011340b0a4000010a40000203e8000707d813c1797979797979797979797979"
	  "79797979" },
	{ 0, "IP 10.64.0.1 > 10.64.0.2: ip-proto-17",
	  "4500001c12342003401134180a4000010a4000027a7a7a7a7a7a7a7a" },
	{ 0, "IP 10.64.0.1.1000 > 10.64.0.2.7: UDP-Lite, length 5",
	  "45000021123400004088539f0a4000010a40000203e800070008a31e68656c6c6f" },
	{ 0, "IP 10.64.0.1.5000 > 10.64.0.2.6000: sctp, length 12",
	  "4500002012340000408453a40a4000010a400002138817700000000100000002" },
	{ 0, "IP 10.64.0.1 > 10.64.0.2:  ip-proto-253 12",
	  "450000201234000040fd532b0a4000010a400002000000000000000000000000" },
	{ 0, "IP 10.64.0.2 > 10.64.0.1: ICMP 10.64.0.2 udp port 33434 unreachable, length 36",
	  "45000038123400004001540f0a4000020a4000010303557000000000450000211234000040115416"
	  "0a4000010a40000203e8829a000d20fd" },
	{ 0, "IP 10.64.0.2 > 10.64.0.1: ICMP 10.64.0.2 unreachable - need to frag, length 36",
	  "45000038123400004001540f0a4000020a4000010304606a0000000045000028123400004006541a"
	  "0a4000010a4000029c40005000000001" },
	{ 0, "IP 10.64.0.2 > 10.64.0.1: ICMP time exceeded in-transit, length 36",
	  "45000038123400004001540f0a4000020a4000010b004d7300000000450000211234000040115416"
	  "0a4000010a40000203e8829a000d20fd" },
	{ 0, "IP truncated-ip - 67 bytes missing! 10.64.0.1.1000 > 10.64.0.2.7: UDP, length 5",
	  "4500006412340000401153d30a4000010a40000203e80007000da39068656c6c6f" },
	{ 0, "IP6 fd00:64::1 > fd00:64::2: ICMP6, echo request, id 1, seq 1, length 64",
	  "6000000000403a40fd000064000000000000000000000001fd000064000000000000000000000002"
	  "80008da300010001000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
	  "202122232425262728292a2b2c2d2e2f3031323334353637" },
	{ 0, "IP6 fd00:64::2 > fd00:64::1: ICMP6, echo reply, id 1, seq 1, length 64",
	  "6000000000403a40fd000064000000000000000000000002fd000064000000000000000000000001"
	  "81008ca300010001000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
	  "202122232425262728292a2b2c2d2e2f3031323334353637" },
	{ 0,
	  "IP6 fd00:64::1.40000 > fd00:64::2.9999: Flags [P.], seq 1:11, ack 77, win 502, length "
	  "10",
	  "60000000001e0640fd000064000000000000000000000001fd000064000000000000000000000002"
	  "9c40270f000000010000004d501801f69508000078787878787878787878" },
	{ 0, "IP6 fd00:64::1 > fd00:64::2: HBH 1000 > 7: UDP, length 5",
	  "6000000000150040fd000064000000000000000000000001fd000064000000000000000000000002"
	  "110001040000000003e80007000dbd4668656c6c6f" },
	{ 0, "IP6 fd00:64::1 > fd00:64::2: frag (0|16) ICMP6, echo request, id 7, seq 9, length 16",
	  "6000000000182c40fd000064000000000000000000000001fd000064000000000000000000000002"
	  "3a00000100000063800078c8000700090001020304050607" },
	{ 0, "IP6 fd00:64::1 > fd00:64::2: frag (64|8)",
	  "6000000000102c40fd000064000000000000000000000001fd000064000000000000000000000002"
	  "3a000040000000637171717171717171" },
	{ 0,
	  "IP6 fd00:64::1 > fd00:64::2: HBH DSTOPT RT6 (len=0, type=2, segleft=0) frag (0|18) 1000 "
	  "> 7: UDP, length 1992",
	  "6000000000320040fd000064000000000000000000000001fd000064000000000000000000000002"
	  "3c000104000000002b000104000000002c00020000000000110000010000006303e8000707d0e33a"
	  "68656c6c6f68656c6c6f" },
	{ 0, "IP6 fd00:64::1 > fd00:64::2: no next header",
	  "6000000000003b40fd000064000000000000000000000001fd000064000000000000000000000002" },
	{ 0,
	  "IP6 fd00:64::2 > fd00:64::1: ICMP6, destination unreachable, unreachable port, "
	  "fd00:64::2 udp port 33434, length 61",
	  "60000000003d3a40fd000064000000000000000000000002fd000064000000000000000000000001"
	  "010492880000000060000000000d1140fd000064000000000000000000000001fd00006400000000"
	  "000000000000000203e8829a000d3ab368656c6c6f" },
	{ 0,
	  "IP6 fd00:64::1 > fd00:64::2: ICMP6, neighbor solicitation, who has fe80::1, length 24",
	  "6000000000183a40fd000064000000000000000000000001fd000064000000000000000000000002"
	  "87007f5e00000000fe800000000000000000000000000001" },
	{ 0,
	  "IP6 fd00:64::1 > fd00:64::2: HBH ICMP6, multicast listener reportmax resp delay: 0 "
	  "addr: ff02::1:3, length 24",
	  "6000000000200040fd000064000000000000000000000001fd000064000000000000000000000002"
	  "3a00010400000000830082d900000000ff020000000000000000000000010003" },
	{ 0,
	  "IP6 fd00:64::1 > fd00:64::2: ICMP6, multicast listener report v2, 1 group record(s), "
	  "length 28",
	  "60000000001c3a40fd000064000000000000000000000001fd000064000000000000000000000002"
	  "8f0072d40000000104000000ff020000000000000000000000010003" },
	{ 0, "IP6 ::ffff:1.2.3.4.1000 > 2001:db8:0:1::.7: UDP, length 5",
	  "60000000000d114000000000000000000000ffff0102030420010db8000000010000000000000000"
	  "03e80007000d865368656c6c6f" },
	{ 28, "IP 10.64.0.1 > 10.64.0.2: [|tcp]", "4500003212340000400654100a4000010a4000029c40" },
	{ 20, "IP 10.64.0.1.40000 > 10.64.0.2.9999:  [|tcp]",
	  "4500003212340000400654100a4000010a4000029c40270f000000010000" },
	{ 7, "IP 10.64.0.1.1000 > 10.64.0.2.7:  [|udp]",
	  "4500002112340000401154160a4000010a40000203e80007000d" },
	{ 26, "IP 10.64.0.2 > 10.64.0.1:  [|icmp]",
	  "45000038123400004001540f0a4000020a40000103035570000000004500" },
	{ 21, "IP  [|ip]", "450000211234000040115416" },
	{ 14, "IP6 fd00:64::1 > fd00:64::2: ICMP6, neighbor solicitation [|icmp6]",
	  "6000000000183a40fd000064000000000000000000000001fd000064000000000000000000000002"
	  "87007f5e00000000fe80" },
};

struct fixture {
	uint8_t packet[PACKET_SIZE];
	struct usn_record rec;
	struct packet_row row;
};

static uint8_t nibble(char c)
{
	return (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static void load(struct fixture *x, const struct sample *s)
{
	uint32_t n = 0;

	memset(x, 0, sizeof(*x));
	for (const char *hex = s->hex; hex[0] && hex[1]; hex += 2)
		x->packet[n++] = (uint8_t)(nibble(hex[0]) << 4 | nibble(hex[1]));
	x->rec = (struct usn_record){
		.mono_ns = 42,
		.ifindex = 7,
		.len = n + s->beyond,
		.caplen = n,
		.protocol = x->packet[0] >> 4 == 6 ? ETH_P_IPV6 : ETH_P_IP,
		.direction = USN_DIR_IN,
	};
	x->row = (struct packet_row){
		.rec = &x->rec,
		.data = x->packet,
		.device = "usn0",
		.real_ns = SAMPLE_NS,
	};
	packet_dissect(x->packet, n, x->rec.len, x->rec.protocol, &x->row.info);
}

static void own(struct fixture *x, const char *comm)
{
	x->rec.pid = 4711;
	x->rec.tid = 4712;
	x->rec.cgroup_id = 99;
	x->rec.cookie = 5;
	memcpy(x->rec.comm, comm, strnlen(comm, USN_COMM_SIZE));
}

/* The row as a string, which is the caller's. */
static char *render(const struct view *view, const struct packet_row *row)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	view->row(f, row);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(strlen(text), size);
	return text;
}

static void assert_renders(const struct view *view, const struct fixture *x, const char *expected)
{
	_cleanup_free_ char *text = render(view, &x->row);

	assert_string_equal(text, expected);
}

static void test_text_wording(void **state)
{
	static const char prefix[] = "22:13:20.123456789 usn0 In  - ";
	char expected[512];
	struct fixture x;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		load(&x, &samples[i]);
		snprintf(expected, sizeof(expected), "%s%s\n", prefix, samples[i].line);
		assert_renders(&view_text, &x, expected);
	}
}

static void test_text_owner(void **state)
{
	struct fixture x;

	(void)state;
	load(&x, &samples[0]);
	own(&x, "ping");
	x.rec.direction = USN_DIR_OUT;
	assert_renders(&view_text, &x,
		       "22:13:20.123456789 usn0 Out 4711/ping IP 10.64.0.1 > 10.64.0.2: "
		       "ICMP echo request, id 1, seq 1, length 64\n");
}

/* comm is any 15 bytes that a process likes, and the record's may lack its NUL. */
static void test_text_hostile_names(void **state)
{
	struct fixture x;

	(void)state;
	load(&x, &samples[0]);
	own(&x, "\033[2J\n\\\xc3\xa9xxxxxxxx");
	x.row.device = "u\033n";
	assert_renders(&view_text, &x,
		       "22:13:20.123456789 u\\x1bn In  "
		       "4711/\\x1b[2J\\x0a\\x5c\\xc3\\xa9xxxxxxxx IP 10.64.0.1 > 10.64.0.2: "
		       "ICMP echo request, id 1, seq 1, length 64\n");
}

static void test_text_without_ip(void **state)
{
	struct fixture x;

	(void)state;
	load(&x, &samples[0]);
	x.rec.protocol = ETH_P_ARP;
	x.rec.direction = 0;
	x.row.device = NULL;
	packet_dissect(x.packet, x.rec.caplen, x.rec.len, x.rec.protocol, &x.row.info);
	assert_renders(&view_text, &x,
		       "22:13:20.123456789 if7 ?   - ethertype 0x0806, length 84\n");
}

static const struct sample *sample_of(const char *part)
{
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++)
		if (strstr(samples[i].line, part))
			return &samples[i];
	fail_msg("no sample '%s'", part);
	return NULL;
}

#define JSON_HEAD                                                                              \
	"{\"time\":\"1700000000.123456789\",\"mono_ns\":42,\"device\":\"usn0\",\"ifindex\":7," \
	"\"direction\":\"in\","

static void test_json_icmp(void **state)
{
	struct fixture x;

	(void)state;
	load(&x, &samples[0]);
	own(&x, "ping");
	x.rec.lost = 3;
	assert_renders(&view_json, &x,
		       JSON_HEAD
		       "\"pid\":4711,\"tid\":4712,\"comm\":\"ping\",\"cgroup\":99,\"cookie\":5,"
		       "\"lost\":3,\"length\":84,\"caplen\":84,\"ip\":4,\"src\":\"10.64.0.1\","
		       "\"dst\":\"10.64.0.2\",\"proto\":\"icmp\","
		       "\"icmp\":{\"type\":8,\"code\":0,\"id\":1,\"seq\":1},\"payload\":56}\n");
}

static void test_json_tcp(void **state)
{
	struct fixture x;

	(void)state;
	load(&x, sample_of("Flags [S.]"));
	assert_renders(&view_json, &x,
		       JSON_HEAD
		       "\"lost\":0,\"length\":40,\"caplen\":40,\"ip\":4,\"src\":\"10.64.0.2\","
		       "\"dst\":\"10.64.0.1\",\"proto\":\"tcp\",\"sport\":80,\"dport\":40000,"
		       "\"tcp\":{\"flags\":\"S.\",\"seq\":1,\"ack\":2,\"window\":64240},"
		       "\"payload\":0}\n");
}

static void test_json_fragment(void **state)
{
	struct fixture x;

	(void)state;
	load(&x, sample_of(": ip-proto-17"));
	assert_renders(&view_json, &x,
		       JSON_HEAD
		       "\"lost\":0,\"length\":28,\"caplen\":28,\"ip\":4,\"src\":\"10.64.0.1\","
		       "\"dst\":\"10.64.0.2\",\"proto\":\"udp\","
		       "\"fragment\":{\"offset\":24,\"more\":true},\"payload\":8}\n");
}

/* What was cut off is absent, not zero. */
static void test_json_unknown_is_absent(void **state)
{
	static const char *const keys[] = { "pid",    "tid",    "comm",      "cgroup",
					    "cookie", "device", "direction", "tcp",
					    "sport",  "icmp",   "payload" };
	_cleanup_free_ char *text = NULL;
	struct fixture x;
	json_t *o;

	(void)state;
	load(&x, sample_of("10.64.0.2: [|tcp]"));
	x.rec.direction = 0;
	x.row.device = NULL;
	text = render(&view_json, &x.row);
	o = json_loads(text, 0, NULL);
	assert_non_null(o);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		assert_null(json_object_get(o, keys[i]));
	assert_string_equal(json_string_value(json_object_get(o, "proto")), "tcp");
	json_decref(o);
}

static void test_json_names(void **state)
{
	static const struct {
		const char *comm;
		const char *expected;
	} names[] = {
		{ "ping", "ping" },
		{ "caf\xc3\xa9", "caf\xc3\xa9" },
		{ "a\"b\n\033", "a\"b\n\033" },
		/* A name cut by the kernel in the middle of a letter. */
		{ "xxxxxxxxxxxxxx\xc3", "xxxxxxxxxxxxxx\\xc3" },
		{ "\xff\xfe", "\\xff\\xfe" },
		{ "sixteen bytes !!", "sixteen bytes !!" },
	};
	struct fixture x;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_free_ char *text = NULL;
		json_t *o;

		load(&x, &samples[0]);
		own(&x, names[i].comm);
		text = render(&view_json, &x.row);
		assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
		o = json_loads(text, 0, NULL);
		assert_non_null(o);
		assert_string_equal(json_string_value(json_object_get(o, "comm")),
				    names[i].expected);
		json_decref(o);
	}
}

/* Every cut of every sample: text is one line of printable ASCII, JSON one valid object. */
static void test_every_cut(void **state)
{
	struct fixture x;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		load(&x, &samples[i]);
		for (uint32_t n = x.rec.caplen; n > 0; n--) {
			_cleanup_free_ char *text = NULL, *json = NULL;
			json_t *o;

			packet_dissect(x.packet, n, x.rec.len, x.rec.protocol, &x.row.info);
			text = render(&view_text, &x.row);
			for (const char *c = text; c[1]; c++)
				assert_in_range(*c, ' ', '~');
			json = render(&view_json, &x.row);
			o = json_loads(json, 0, NULL);
			assert_non_null(o);
			json_decref(o);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_wording),
		cmocka_unit_test(test_text_owner),
		cmocka_unit_test(test_text_hostile_names),
		cmocka_unit_test(test_text_without_ip),
		cmocka_unit_test(test_json_icmp),
		cmocka_unit_test(test_json_tcp),
		cmocka_unit_test(test_json_fragment),
		cmocka_unit_test(test_json_unknown_is_absent),
		cmocka_unit_test(test_json_names),
		cmocka_unit_test(test_every_cut),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests_name("view", tests, NULL, NULL);
}
