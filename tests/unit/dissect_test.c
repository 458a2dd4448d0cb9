// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the dissector says about packets whole, cut anywhere, and broken at random. */
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "capture/dissect.h"

#define PACKET_SIZE 256

/* Checksums are right; made once by a program that shares nothing with the dissector. */
static const struct sample {
	const char *name;
	const char *hex;
} samples[] = {
	{ "echo4", "4500002412344000400114230a4000010a4000020800ebed000100010001020304050607" },
	{ "ipopts",
	  "46000058123400004001beea0a4000010a40000294040000080000ea000100020001020304050607"
	  "08090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f"
	  "3031323334353637" },
	{ "syn",
	  "45000028123400004006541a0a4000010a4000029c40005000000001000000005002faf003de0000" },
	{ "synack",
	  "45000028123400004006541a0a4000020a40000100509c4000000001000000025012faf003cc0000" },
	{ "data", "4500003212340000400654100a4000010a4000029c40270f000000010000004d501801f67b520000"
		  "78787878787878787878" },
	{ "tcpshort",
	  "45000028123400004006541a0a4000010a4000029c40270f00000001000000054011000ae7f10000" },
	{ "tcplong",
	  "45000028123400004006541a0a4000010a4000029c40270f0000000100000005a011000a87f10000" },
	{ "udp", "4500002112340000401154160a4000010a40000203e80007000da39068656c6c6f" },
	{ "udpbad", "4500002112340000401154160a4000010a40000203e800070064a33968656c6c6f" },
	{ "udpshort", "4500002112340000401154160a4000010a40000203e800070005a39868656c6c6f" },
	{ "udptrunc", "4500001a123400004011541d0a4000010a40000203e800070008" },
	{ "udplite", "45000021123400004088539f0a4000010a40000203e800070008a31e68656c6c6f" },
	{ "sctp", "4500002012340000408453a40a4000010a400002138817700000000100000002" },
	{ "frag1",
	  "4500002c123420004011340b0a4000010a40000203e8000707d813c1797979797979797979797979"
	  "79797979" },
	{ "frag2", "4500001c12342003401134180a4000010a4000027a7a7a7a7a7a7a7a" },
	{ "missing", "4500006412340000401153d30a4000010a40000203e80007000da39068656c6c6f" },
	{ "pad", "4500002112340000401154160a4000010a40000203e80007000da39068656c6c6f00000000000000"
		 "0000" },
	{ "badlen", "4500000a123400004011542d0a4000010a40000203e80007000da39068656c6c6f" },
	{ "badhlen", "4400002112340000401154160a4000010a40000203e80007000da39068656c6c6f" },
	{ "unr3", "45000038123400004001540f0a4000020a4000010303557000000000450000211234000040115416"
		  "0a4000010a40000203e8829a000d20fd" },
	{ "unr4", "45000038123400004001540f0a4000020a40000103044ff700000578450000211234000040115416"
		  "0a4000010a40000203e8829a000d20fd" },
	{ "red1", "45000038123400004001540f0a4000020a400001050149290a400009450000211234000040115416"
		  "0a4000010a40000203e8829a000d20fd" },
	{ "tx0", "45000038123400004001540f0a4000020a4000010b004d7300000000450000211234000040115416"
		 "0a4000010a40000203e8829a000d20fd" },
	{ "nested",
	  "4500005912340000400153ee0a4000010a4000020303fcfc000000004500003d123400004001540a"
	  "0a4000010a4000020303119e000000004500002112340000401154160a4000010a40000203e8829a"
	  "000d20fd68656c6c6f" },
	{ "echo6",
	  "6000000000103a40fd000064000000000000000000000001fd000064000000000000000000000002"
	  "800078c8000700090001020304050607" },
	{ "hbhudp",
	  "6000000000150040fd000064000000000000000000000001fd000064000000000000000000000002"
	  "110001040000000003e80007000dbd4668656c6c6f" },
	{ "rt", "6000000000182b40fd000064000000000000000000000001fd000064000000000000000000000002"
		"3a00020000000000800078c8000700090001020304050607" },
	{ "chain",
	  "6000000000320040fd000064000000000000000000000001fd000064000000000000000000000002"
	  "3c000104000000002b000104000000002c00020000000000110000010000006303e8000707d0e33a"
	  "68656c6c6f68656c6c6f" },
	{ "f6b", "6000000000102c40fd000064000000000000000000000001fd000064000000000000000000000002"
		 "3a000040000000637171717171717171" },
	{ "tcp6x",
	  "60000000001e0640fd000064000000000000000000000001fd000064000000000000000000000002"
	  "9c40270f000000010000004d501801f69508000078787878787878787878" },
	{ "u64", "60000000003d3a40fd000064000000000000000000000002fd000064000000000000000000000001"
		 "010492880000000060000000000d1140fd000064000000000000000000000001fd00006400000000"
		 "000000000000000203e8829a000d3ab368656c6c6f" },
	{ "ptb", "60000000003d3a40fd000064000000000000000000000002fd000064000000000000000000000001"
		 "02008c8c0000050060000000000d1140fd000064000000000000000000000001fd00006400000000"
		 "000000000000000203e8829a000d3ab368656c6c6f" },
	{ "ns", "6000000000183a40fd000064000000000000000000000001fd000064000000000000000000000002"
		"87007f5e00000000fe800000000000000000000000000001" },
	{ "rd",
	  "6000000000283a40fd000064000000000000000000000001fd000064000000000000000000000002"
	  "89007e4700000000fe800000000000000000000000000001ff020000000000000000000000010003" },
	{ "mldr", "6000000000200040fd000064000000000000000000000001fd000064000000000000000000000002"
		  "3a00010400000000830082d900000000ff020000000000000000000000010003" },
	{ "mldq2",
	  "60000000001c3a40fd000064000000000000000000000001fd000064000000000000000000000002"
	  "82007fed03e80000ff02000000000000000000000001000300000000" },
	{ "mld2", "60000000001c3a40fd000064000000000000000000000001fd000064000000000000000000000002"
		  "8f0072d40000000104000000ff020000000000000000000000010003" },
};

static uint8_t nibble(char c)
{
	return (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static uint32_t from_hex(const char *hex, uint8_t packet[PACKET_SIZE])
{
	uint32_t n = 0;

	for (; hex[0] && hex[1]; hex += 2)
		packet[n++] = (uint8_t)(nibble(hex[0]) << 4 | nibble(hex[1]));
	return n;
}

static uint32_t sample_packet(const char *name, uint8_t packet[PACKET_SIZE])
{
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++)
		if (!strcmp(samples[i].name, name))
			return from_hex(samples[i].hex, packet);
	fail_msg("no sample '%s'", name);
	return 0;
}

static uint16_t protocol_of(const uint8_t *packet)
{
	return packet[0] >> 4 == 6 ? ETH_P_IPV6 : ETH_P_IP;
}

/*
 * In a block of exactly caplen bytes, so that the sanitizer sees the first byte read beyond them.
 */
static void dissect_cut(const uint8_t *packet, uint32_t caplen, uint32_t len,
			struct packet_info *ret)
{
	uint16_t protocol = protocol_of(packet);
	uint8_t *copy = malloc(caplen ? caplen : 1);

	assert_non_null(copy);
	memcpy(copy, packet, caplen);
	packet_dissect(caplen ? copy : copy + 1, caplen, len, protocol, ret);
	free(copy);
}

static struct packet_info dissect_sample(const char *name)
{
	uint8_t packet[PACKET_SIZE];
	struct packet_info info;
	uint32_t len = sample_packet(name, packet);

	dissect_cut(packet, len, len, &info);
	return info;
}

static void assert_v4(const uint8_t address[16], uint32_t expected)
{
	uint8_t bytes[16] = { (uint8_t)(expected >> 24), (uint8_t)(expected >> 16),
			      (uint8_t)(expected >> 8), (uint8_t)expected };

	assert_memory_equal(address, bytes, sizeof(bytes));
}

static void test_ipv4(void **state)
{
	struct packet_info p = dissect_sample("echo4");

	(void)state;
	assert_int_equal(p.version, 4);
	assert_int_equal(p.proto, IPPROTO_ICMP);
	assert_int_equal(p.hop_limit, 64);
	assert_v4(p.src, 0x0a400001);
	assert_v4(p.dst, 0x0a400002);
	assert_int_equal(p.has,
			 PACKET_ADDRESSES | PACKET_L4 | PACKET_ICMP | PACKET_ECHO | PACKET_PAYLOAD);
	assert_int_equal(p.icmp_type, 8);
	assert_int_equal(p.echo_id, 1);
	assert_int_equal(p.echo_seq, 1);
	assert_int_equal(p.l4_len, 16);
	assert_int_equal(p.payload_len, 8);

	p = dissect_sample("ipopts");
	assert_int_equal(p.l4_offset, 24);
	assert_int_equal(p.echo_seq, 2);
}

static void test_tcp(void **state)
{
	struct packet_info p = dissect_sample("data");

	(void)state;
	assert_true(p.has & PACKET_TCP);
	assert_int_equal(p.sport, 40000);
	assert_int_equal(p.dport, 9999);
	assert_int_equal(p.tcp_seq, 1);
	assert_int_equal(p.tcp_ack, 77);
	assert_int_equal(p.tcp_window, 502);
	assert_int_equal(p.tcp_flags, 0x18);
	assert_int_equal(p.payload_len, 10);

	p = dissect_sample("tcpshort");
	assert_int_equal(p.bad, PACKET_BAD_TCP_SHORT);
	assert_false(p.has & (PACKET_TCP | PACKET_PAYLOAD));
	p = dissect_sample("tcplong");
	assert_int_equal(p.bad, PACKET_BAD_TCP_LONG);
	assert_false(p.has & PACKET_PAYLOAD);
}

static void test_udp(void **state)
{
	static const struct {
		const char *name;
		uint8_t bad;
	} bad[] = {
		{ "udpbad", PACKET_BAD_UDP_LONG },
		{ "udpshort", PACKET_BAD_UDP_LEN },
		{ "udptrunc", PACKET_BAD_UDP_SHORT },
	};
	struct packet_info p = dissect_sample("udp");

	(void)state;
	assert_int_equal(p.sport, 1000);
	assert_int_equal(p.dport, 7);
	assert_int_equal(p.payload_len, 5);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		p = dissect_sample(bad[i].name);
		assert_int_equal(p.bad, bad[i].bad);
		assert_int_equal(p.dport, 7);
	}
}

static void test_other_ports(void **state)
{
	struct packet_info p = dissect_sample("udplite");

	(void)state;
	assert_int_equal(p.proto, IPPROTO_UDPLITE);
	assert_int_equal(p.dport, 7);
	/* The length field says 8: of UDP-Lite that is the checksum's coverage. */
	assert_int_equal(p.payload_len, 5);

	p = dissect_sample("sctp");
	assert_int_equal(p.sport, 5000);
	assert_int_equal(p.dport, 6000);
}

static void test_fragments(void **state)
{
	struct packet_info p = dissect_sample("frag1");

	(void)state;
	assert_true(p.has & PACKET_FRAGMENT);
	assert_int_equal(p.fragment_offset, 0);
	assert_true(p.fragment_more);
	assert_int_equal(p.dport, 7);
	assert_int_equal(p.payload_len, 2000);
	assert_int_equal(p.bad, 0);

	/* Its first bytes are data: they may not pass for ports. */
	p = dissect_sample("frag2");
	assert_int_equal(p.fragment_offset, 24);
	assert_false(p.has & PACKET_PORTS);
	assert_int_equal(p.payload_len, 8);

	p = dissect_sample("f6b");
	assert_int_equal(p.fragment_offset, 64);
	assert_int_equal(p.proto, IPPROTO_ICMPV6);
	assert_false(p.has & PACKET_ICMP);
}

static void test_ipv6_chain(void **state)
{
	static const uint8_t order[] = { IPPROTO_HOPOPTS, IPPROTO_DSTOPTS, IPPROTO_ROUTING,
					 IPPROTO_FRAGMENT };
	struct packet_info p = dissect_sample("chain");

	(void)state;
	assert_int_equal(p.extensions, ARRAY_SIZE(order));
	assert_memory_equal(p.extension, order, sizeof(order));
	assert_int_equal(p.proto, IPPROTO_UDP);
	assert_int_equal(p.dport, 7);
	assert_int_equal(p.l4_offset, 40 + 4 * 8);
	assert_int_equal(p.fragment_len, 18);
	assert_int_equal(p.src[15], 1);
	assert_int_equal(p.dst[15], 2);
}

/* Nine headers that each announce another one. */
static void test_ipv6_endless_chain(void **state)
{
	uint8_t packet[40 + 9 * 8] = { 0x60, 0, 0, 0, 0, 9 * 8, IPPROTO_DSTOPTS };
	struct packet_info p;

	(void)state;
	for (size_t i = 40; i < sizeof(packet); i += 8)
		packet[i] = IPPROTO_DSTOPTS;
	dissect_cut(packet, sizeof(packet), sizeof(packet), &p);
	assert_int_equal(p.bad, PACKET_BAD_CHAIN);
	assert_int_equal(p.extensions, PACKET_EXTENSIONS_MAX);
}

static void test_icmp_quotes(void **state)
{
	struct packet_info p = dissect_sample("unr3");

	(void)state;
	assert_int_equal(p.icmp_proto, IPPROTO_UDP);
	assert_int_equal(p.icmp_port, 33434);
	assert_v4(p.icmp_target, 0x0a400002);
	p = dissect_sample("unr4");
	assert_int_equal(p.icmp_arg, 1400);
	p = dissect_sample("red1");
	assert_v4(p.icmp_gateway, 0x0a400009);
	p = dissect_sample("u64");
	assert_int_equal(p.icmp_port, 33434);
	p = dissect_sample("ptb");
	assert_int_equal(p.icmp_arg, 1280);
	p = dissect_sample("ns");
	assert_int_equal(p.icmp_target[0], 0xfe);
	assert_int_equal(p.icmp_target[15], 1);
	/* The quote of a quote is not followed. */
	p = dissect_sample("nested");
	assert_int_equal(p.icmp_proto, IPPROTO_ICMP);
}

static void test_lengths_that_lie(void **state)
{
	struct packet_info p = dissect_sample("missing");

	(void)state;
	assert_int_equal(p.missing, 67);
	assert_int_equal(p.payload_len, 5);
	p = dissect_sample("pad");
	assert_int_equal(p.l4_len, 13);
	assert_int_equal(p.bad, 0);
	p = dissect_sample("badlen");
	assert_int_equal(p.bad, PACKET_BAD_IP_LEN);
	assert_int_equal(p.has, 0);
	p = dissect_sample("badhlen");
	assert_int_equal(p.bad, PACKET_BAD_IP_HLEN);
}

/* A segment that the device has not cut up yet: longer than the field for its length. */
static void test_big_tcp(void **state)
{
	uint8_t packet[PACKET_SIZE];
	uint32_t len = sample_packet("data", packet);
	struct packet_info p;

	(void)state;
	packet[2] = packet[3] = 0;
	dissect_cut(packet, len, 100000, &p);
	assert_int_equal(p.payload_len, 100000 - 40);

	len = sample_packet("tcp6x", packet);
	packet[4] = packet[5] = 0;
	dissect_cut(packet, len, 100000, &p);
	assert_int_equal(p.payload_len, 100000 - 60);
}

static void test_not_ip(void **state)
{
	static const uint8_t arp[28] = { 0, 1, 8, 0 };
	struct packet_info p;

	(void)state;
	packet_dissect(arp, sizeof(arp), sizeof(arp), ETH_P_ARP, &p);
	assert_int_equal(p.version, 0);
	assert_int_equal(p.has, 0);
	packet_dissect(arp, sizeof(arp), sizeof(arp), ETH_P_IPV6, &p);
	assert_int_equal(p.bad, PACKET_BAD_VERSION);
}

/* Fewer bytes never tell more, and where something is missing it is said. */
static void test_every_cut(void **state)
{
	uint8_t packet[PACKET_SIZE];
	struct packet_info whole, p;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		uint32_t len = from_hex(samples[i].hex, packet);

		dissect_cut(packet, len, len, &whole);
		for (uint32_t caplen = 0; caplen < len; caplen++) {
			dissect_cut(packet, caplen, len, &p);
			assert_int_equal(p.has & ~whole.has, 0);
			if (p.has != whole.has)
				assert_true(p.cut || p.bad);
			dissect_cut(packet, caplen, caplen, &p);
		}
	}
}

static void test_random_damage(void **state)
{
	uint8_t packet[PACKET_SIZE];
	uint32_t seed = 1, len;
	struct packet_info p;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		len = from_hex(samples[(uint32_t)i % ARRAY_SIZE(samples)].hex, packet);
		for (int hits = 0; hits < 4; hits++) {
			seed = seed * 1664525 + 1013904223;
			packet[(seed >> 8) % len] = (uint8_t)(seed >> 24);
		}
		dissect_cut(packet, seed % (len + 1), len, &p);
		assert_true(p.extensions <= PACKET_EXTENSIONS_MAX);
	}
}

static void test_names(void **state)
{
	char flags[PACKET_TCP_FLAGS_SIZE];

	(void)state;
	assert_string_equal(packet_proto_name(IPPROTO_UDPLITE), "udplite");
	assert_null(packet_proto_name(253));
	assert_string_equal(packet_tcp_flags(0x12, flags), "S.");
	assert_string_equal(packet_tcp_flags(0, flags), "none");
	assert_string_equal(packet_tcp_flags(0xff, flags), "FSRP.UEW");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ipv4),
		cmocka_unit_test(test_tcp),
		cmocka_unit_test(test_udp),
		cmocka_unit_test(test_other_ports),
		cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_ipv6_chain),
		cmocka_unit_test(test_ipv6_endless_chain),
		cmocka_unit_test(test_icmp_quotes),
		cmocka_unit_test(test_lengths_that_lie),
		cmocka_unit_test(test_big_tcp),
		cmocka_unit_test(test_not_ip),
		cmocka_unit_test(test_every_cut),
		cmocka_unit_test(test_random_damage),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests_name("dissect", tests, NULL, NULL);
}
