// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The echo peer: what it answers, that the answers' checksums are right, and what it leaves alone.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/cleanup.h"
#include "base/parse.h"
#include "usnd/behind/echo.h"

#define PACKET_SIZE 256
#define MORE 0x2000 /* of the IPv4 fragment field */

/* What a packet is made of; the rest is made right around it. */
struct recipe {
	const char *src;
	const char *dst;
	uint8_t proto;
	uint8_t l4[64];
	size_t l4_len;
	size_t checksum_at; /* in l4, 0: none */
	uint16_t fragment;  /* IPv4: as in the header */
	uint8_t ttl;
};

static const struct recipe ping4 = {
	.src = "10.64.0.1",
	.dst = "10.64.0.2",
	.proto = IPPROTO_ICMP,
	.l4 = { 8, 0, 0, 0, 0x12, 0x34, 0, 1, 'a', 'b', 'c' },
	.l4_len = 11,
	.checksum_at = 2,
	.ttl = 1,
};

static const struct recipe udp4 = {
	.src = "10.64.0.1",
	.dst = "10.64.0.2",
	.proto = IPPROTO_UDP,
	.l4 = { 0x9c, 0x40, 0, 7, 0, 13, 0, 0, 'h', 'e', 'l', 'l', 'o' },
	.l4_len = 13,
	.checksum_at = 6,
	.ttl = 255,
};

static const struct recipe ping6 = {
	.src = "fd00:64::1",
	.dst = "fd00:64::2",
	.proto = IPPROTO_ICMPV6,
	.l4 = { 128, 0, 0, 0, 0x12, 0x34, 0, 1, 'a', 'b', 'c' },
	.l4_len = 11,
	.checksum_at = 2,
	.ttl = 255,
};

static const struct recipe udp6 = {
	.src = "fd00:64::1",
	.dst = "fd00:64::2",
	.proto = IPPROTO_UDP,
	.l4 = { 0x9c, 0x40, 0, 7, 0, 13, 0, 0, 'h', 'e', 'l', 'l', 'o' },
	.l4_len = 13,
	.checksum_at = 6,
	.ttl = 1,
};

static const struct prefix nets[] = {
	{ AF_INET, 24, { 10, 64, 0, 1 } },
	{ AF_INET6, 64, { 0xfd, 0, 0, 0x64 } },
	{ AF_INET, 31, { 10, 65, 0, 0 } },
};

static uint32_t sum16(const uint8_t *p, size_t n)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* The sum over a transport header and its pseudo-header, which plain ICMP has not. */
static uint16_t l4_sum(const uint8_t *packet, uint8_t proto, const uint8_t *l4, size_t n)
{
	uint32_t sum = sum16(l4, n);

	if (proto != IPPROTO_ICMP)
		sum += proto + (uint32_t)n;
	if (proto != IPPROTO_ICMP && packet[0] >> 4 == 4)
		sum += sum16(packet + 12, 8);
	if (packet[0] >> 4 == 6)
		sum += sum16(packet + 8, 32);
	return fold(sum);
}

static size_t make4(const struct recipe *r, uint8_t packet[PACKET_SIZE])
{
	size_t len = 20 + r->l4_len;

	packet[0] = 0x45;
	put16(packet + 2, (uint16_t)len);
	put16(packet + 4, 0x4242);
	put16(packet + 6, r->fragment);
	packet[8] = r->ttl;
	packet[9] = r->proto;
	assert_int_equal(inet_pton(AF_INET, r->src, packet + 12), 1);
	assert_int_equal(inet_pton(AF_INET, r->dst, packet + 16), 1);
	put16(packet + 10, (uint16_t)~fold(sum16(packet, 20)));
	memcpy(packet + 20, r->l4, r->l4_len);
	return len;
}

static size_t make6(const struct recipe *r, uint8_t packet[PACKET_SIZE])
{
	packet[0] = 0x60;
	put16(packet + 4, (uint16_t)r->l4_len);
	packet[6] = r->proto;
	packet[7] = r->ttl;
	assert_int_equal(inet_pton(AF_INET6, r->src, packet + 8), 1);
	assert_int_equal(inet_pton(AF_INET6, r->dst, packet + 24), 1);
	memcpy(packet + 40, r->l4, r->l4_len);
	return 40 + r->l4_len;
}

static size_t make(const struct recipe *r, uint8_t packet[PACKET_SIZE])
{
	bool v6 = strchr(r->dst, ':');
	uint8_t *l4 = packet + (v6 ? 40 : 20);
	size_t len;

	memset(packet, 0, PACKET_SIZE);
	len = v6 ? make6(r, packet) : make4(r, packet);
	if (r->checksum_at)
		put16(l4 + r->checksum_at, (uint16_t)~l4_sum(packet, r->proto, l4, r->l4_len));
	return len;
}

/* In a block of exactly len bytes, so that the sanitizer sees the first byte beyond. */
static size_t reply_to(uint8_t packet[PACKET_SIZE], size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);
	size_t n;

	assert_non_null(copy);
	memcpy(copy, packet, len);
	n = echo_reply(copy, len, nets, ARRAY_SIZE(nets));
	assert_true(n <= len);
	if (!n)
		assert_memory_equal(copy, packet, len);
	memcpy(packet, copy, len);
	free(copy);
	return n;
}

static void assert_silence(const struct recipe *r)
{
	uint8_t packet[PACKET_SIZE];

	assert_int_equal(reply_to(packet, make(r, packet)), 0);
}

static void assert_address(const uint8_t *bytes, const char *expected)
{
	uint8_t address[16];
	int family = strchr(expected, ':') ? AF_INET6 : AF_INET;

	assert_int_equal(inet_pton(family, expected, address), 1);
	assert_memory_equal(bytes, address, family == AF_INET ? 4 : 16);
}

/* Makes the packet, has it answered, and checks all that does not depend on the protocol. */
static uint8_t *answer_of(const struct recipe *r, uint8_t packet[PACKET_SIZE])
{
	bool v6 = strchr(r->dst, ':');
	uint8_t *l4 = packet + (v6 ? 40 : 20);
	size_t len = make(r, packet);

	assert_int_equal(reply_to(packet, len), len);
	assert_address(packet + (v6 ? 8 : 12), r->dst);
	assert_address(packet + (v6 ? 24 : 16), r->src);
	assert_int_equal(packet[v6 ? 7 : 8], 64);
	if (!v6)
		assert_int_equal(fold(sum16(packet, 20)), 0xffff);
	if (r->checksum_at)
		assert_int_equal(l4_sum(packet, r->proto, l4, r->l4_len), 0xffff);
	return l4;
}

static void test_ping(void **state)
{
	uint8_t packet[PACKET_SIZE], *l4;

	(void)state;
	l4 = answer_of(&ping4, packet);
	assert_int_equal(l4[0], 0);
	assert_memory_equal(l4 + 4, ping4.l4 + 4, ping4.l4_len - 4);
	l4 = answer_of(&ping6, packet);
	assert_int_equal(l4[0], 129);
	assert_memory_equal(l4 + 4, ping6.l4 + 4, ping6.l4_len - 4);
}

/* The sums at which an incremental update goes wrong (RFC 1624, 3) are among these. */
static void test_ping_checksums(void **state)
{
	uint8_t packet[PACKET_SIZE];
	struct recipe r4 = ping4, r6 = ping6;

	(void)state;
	for (uint32_t i = 0; i <= UINT16_MAX; i++) {
		put16(r4.l4 + 6, (uint16_t)i);
		put16(r6.l4 + 6, (uint16_t)i);
		answer_of(&r4, packet);
		answer_of(&r6, packet);
	}
}

static void test_ttls(void **state)
{
	uint8_t packet[PACKET_SIZE];
	struct recipe r = udp4;

	(void)state;
	for (int ttl = 0; ttl <= UINT8_MAX; ttl++) {
		r.ttl = (uint8_t)ttl;
		answer_of(&r, packet);
	}
}

static void test_udp(void **state)
{
	static const uint8_t ports[] = { 0, 7, 0x9c, 0x40 };
	uint8_t packet[PACKET_SIZE], *l4;
	struct recipe r = udp4;

	(void)state;
	l4 = answer_of(&udp4, packet);
	assert_memory_equal(l4, ports, sizeof(ports));
	assert_memory_equal(l4 + 8, "hello", 5);
	l4 = answer_of(&udp6, packet);
	assert_memory_equal(l4, ports, sizeof(ports));

	r.checksum_at = 0;
	l4 = answer_of(&r, packet);
	assert_int_equal(l4[6] | l4[7], 0);
}

/* A checksum that was wrong may not become right on the way. */
static void test_wrong_checksum_stays_wrong(void **state)
{
	uint8_t packet[PACKET_SIZE];
	size_t len = make(&ping4, packet);

	(void)state;
	packet[len - 1] ^= 1;
	assert_int_equal(reply_to(packet, len), len);
	assert_int_not_equal(l4_sum(packet, IPPROTO_ICMP, packet + 20, len - 20), 0xffff);
}

static void test_every_address_of_the_net(void **state)
{
	uint8_t packet[PACKET_SIZE];
	struct recipe r = ping4;
	char dst[16];

	(void)state;
	r.dst = dst;
	for (uint8_t host = 0; host < 255; host++) {
		snprintf(dst, sizeof(dst), "10.64.0.%u", host);
		answer_of(&r, packet);
	}
	/* Of the two addresses of a /31 none is a broadcast. */
	snprintf(dst, sizeof(dst), "10.65.0.1");
	answer_of(&r, packet);
}

static void test_addresses_without_answer(void **state)
{
	static const struct {
		const char *src;
		const char *dst;
	} pairs[] = {
		{ "10.64.0.1", "10.64.1.1" },   { "10.64.0.1", "10.64.0.255" },
		{ "10.64.0.1", "224.0.0.1" },   { "10.64.0.1", "255.255.255.255" },
		{ "10.64.0.1", "127.0.0.1" },   { "0.0.0.0", "10.64.0.2" },
		{ "127.0.0.1", "10.64.0.2" },   { "224.0.0.1", "10.64.0.2" },
		{ "10.64.0.255", "10.64.0.2" }, { "255.255.255.255", "10.64.0.2" },
	};
	static const struct {
		const char *src;
		const char *dst;
	} pairs6[] = {
		{ "fd00:64::1", "fd00:65::1" }, { "fd00:64::1", "ff02::1" },
		{ "fd00:64::1", "::1" },        { "::", "fd00:64::2" },
		{ "::1", "fd00:64::2" },        { "ff02::1", "fd00:64::2" },
	};
	struct recipe r = ping4;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		r.src = pairs[i].src;
		r.dst = pairs[i].dst;
		assert_silence(&r);
	}
	r = ping6;
	for (size_t i = 0; i < ARRAY_SIZE(pairs6); i++) {
		r.src = pairs6[i].src;
		r.dst = pairs6[i].dst;
		assert_silence(&r);
	}
}

/* A net of all addresses has neither loopback nor group addresses in it. */
static void test_default_net(void **state)
{
	static const struct prefix all = { AF_INET, 0, { 0 } };
	uint8_t packet[PACKET_SIZE];
	struct recipe r = ping4;
	size_t len;

	(void)state;
	r.dst = "192.0.2.1";
	len = make(&r, packet);
	assert_int_equal(echo_reply(packet, len, &all, 1), len);
	r.dst = "127.0.0.1";
	len = make(&r, packet);
	assert_int_equal(echo_reply(packet, len, &all, 1), 0);
	r.dst = "255.255.255.255";
	len = make(&r, packet);
	assert_int_equal(echo_reply(packet, len, &all, 1), 0);
}

static void test_requests_without_answer(void **state)
{
	static const struct {
		const struct recipe *of;
		size_t at; /* which byte of l4 is different */
		uint8_t value;
	} changes[] = {
		{ &ping4, 0, 0 },                                        /* a reply */
		{ &ping4, 0, 13 },                                       /* another request */
		{ &ping6, 0, 129 }, { &ping6, 0, 135 }, { &udp4, 3, 9 }, /* another port */
		{ &udp4, 5, 14 }, /* longer than the packet */
		{ &udp4, 5, 7 },  /* shorter than its header */
		{ &udp6, 3, 9 },
	};
	struct recipe r;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		r = *changes[i].of;
		r.l4[changes[i].at] = changes[i].value;
		assert_silence(&r);
	}
	/* Two echo ports would play for ever; nobody is at port 0. */
	r = udp4;
	put16(r.l4, 7);
	assert_silence(&r);
	put16(r.l4, 0);
	assert_silence(&r);
	/* IPv6 has no UDP without a checksum. */
	r = udp6;
	r.checksum_at = 0;
	assert_silence(&r);
	/* Each ICMP in its own IP. */
	r = ping4;
	r.proto = IPPROTO_ICMPV6;
	r.l4[0] = 128;
	assert_silence(&r);
	r.proto = IPPROTO_TCP;
	assert_silence(&r);
}

/* The first fragment alone has a header to turn round, and its checksum is that of the whole. */
static void test_fragments4(void **state)
{
	uint8_t packet[PACKET_SIZE], *l4;
	struct recipe r = ping4;

	(void)state;
	r.fragment = MORE;
	l4 = answer_of(&r, packet);
	assert_int_equal(l4[0], 0);

	r.fragment = MORE | 100;
	r.checksum_at = 0;
	l4 = answer_of(&r, packet);
	assert_memory_equal(l4, r.l4, r.l4_len);
	assert_int_equal((packet[6] << 8 | packet[7]), MORE | 100);
	r.proto = IPPROTO_UDP;
	r.fragment = 100;
	l4 = answer_of(&r, packet);
	assert_memory_equal(l4, r.l4, r.l4_len);
	r.proto = IPPROTO_TCP;
	assert_silence(&r);

	/* A first fragment is shorter than its datagram. */
	r = udp4;
	r.checksum_at = 0;
	r.fragment = MORE;
	put16(r.l4 + 4, 2000);
	answer_of(&r, packet);
}

/* Puts an extension header before what the recipe has. */
static void extend(struct recipe *r, uint8_t proto, const uint8_t header[8])
{
	memmove(r->l4 + 8, r->l4, r->l4_len);
	memcpy(r->l4, header, 8);
	r->l4[0] = r->proto;
	r->l4_len += 8;
	r->proto = proto;
	r->checksum_at = 0;
}

static void test_extensions(void **state)
{
	static const uint8_t options[8] = { 0, 0, 1, 4 }, routed[8] = { 0, 0, 2, 0 },
			     routing[8] = { 0, 0, 2, 1 }, first[8] = { 0, 0, 0, 1, 0, 0, 0, 9 },
			     later[8] = { 0, 0, 0, 65, 0, 0, 0, 9 };
	uint8_t packet[PACKET_SIZE], *l4;
	struct recipe r = ping6;

	(void)state;
	extend(&r, IPPROTO_FRAGMENT, first);
	extend(&r, IPPROTO_ROUTING, routed);
	extend(&r, IPPROTO_HOPOPTS, options);
	l4 = answer_of(&r, packet);
	assert_int_equal(l4[24], 129);

	/* It is on its way to somewhere else. */
	r = ping6;
	extend(&r, IPPROTO_ROUTING, routing);
	assert_silence(&r);

	r = ping6;
	extend(&r, IPPROTO_FRAGMENT, later);
	l4 = answer_of(&r, packet);
	assert_memory_equal(l4, r.l4, r.l4_len);
	r.l4[0] = IPPROTO_TCP;
	assert_silence(&r);

	/* The header says that it is longer than the packet. */
	r = ping6;
	extend(&r, IPPROTO_HOPOPTS, options);
	r.l4[1] = 9;
	assert_silence(&r);
}

static void test_ipv4_headers(void **state)
{
	uint8_t packet[PACKET_SIZE];
	size_t len = make(&ping4, packet);

	(void)state;
	packet[8]++;
	assert_int_equal(reply_to(packet, len), 0);
	make(&ping4, packet);
	packet[0] = 0x44;
	assert_int_equal(reply_to(packet, len), 0);
	packet[0] = 0x55;
	assert_int_equal(reply_to(packet, len), 0);
	/* What follows the packet is not answered. */
	make(&ping4, packet);
	assert_int_equal(reply_to(packet, len + 9), len);
}

static void test_every_cut(void **state)
{
	static const struct recipe *const recipes[] = { &ping4, &udp4, &ping6, &udp6 };
	uint8_t packet[PACKET_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(recipes); i++) {
		size_t len = make(recipes[i], packet);

		for (size_t n = 0; n < len; n++)
			assert_int_equal(reply_to(packet, n), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ping),
		cmocka_unit_test(test_ping_checksums),
		cmocka_unit_test(test_ttls),
		cmocka_unit_test(test_udp),
		cmocka_unit_test(test_wrong_checksum_stays_wrong),
		cmocka_unit_test(test_every_address_of_the_net),
		cmocka_unit_test(test_addresses_without_answer),
		cmocka_unit_test(test_default_net),
		cmocka_unit_test(test_requests_without_answer),
		cmocka_unit_test(test_fragments4),
		cmocka_unit_test(test_extensions),
		cmocka_unit_test(test_ipv4_headers),
		cmocka_unit_test(test_every_cut),
	};

	return cmocka_run_group_tests_name("echo", tests, NULL, NULL);
}
