// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Filters: whatever the expression and whatever the packet, the kernel's verdict is libpcap's.
 *
 * Expressions come from the grammar of pcap-filter(7), packets from the headers of IPv4 and IPv6, and besides there are
 * classic programs of any valid instructions. USN_SEED= repeats a run; a failure prints it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <cmocka.h>

#include "tap/filter_parts.h"
#include "filter_kernel.h"
#include "needs_bpf.h"

#define EXPRESSIONS 1200
#define PROGRAMS 800
#define PACKETS 60
#define LONGEST 2000

static uint64_t seed, state_of_random;
static int array = -1;

/* splitmix64 */
static uint64_t next(void)
{
	uint64_t z = state_of_random += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

/* 0 to n - 1 */
static uint32_t below(uint32_t n)
{
	return (uint32_t)((next() >> 32) * n >> 32);
}

static bool chance(uint32_t percent)
{
	return below(100) < percent;
}

#define ONE_OF(a) ((a)[below(ARRAY_SIZE(a))])

/* Few, so that what an expression names is in the packets, too. */
static const uint8_t addresses4[][4] = {
	{ 10, 64, 0, 1 },
	{ 10, 64, 0, 2 },
	{ 192, 0, 2, 77 },
	{ 224, 0, 0, 251 },
};
static const uint8_t addresses6[][16] = {
	{ 0xfd, 0x75, 0x73, 0x6e, [15] = 1 },
	{ 0xfd, 0x75, 0x73, 0x6e, [15] = 2 },
	{ 0x20, 0x01, 0x0d, 0xb8, [14] = 0x12, 0x34 },
	{ 0xff, 0x02, [15] = 0xfb },
};
static const uint16_t ports[] = { 22, 53, 80, 443, 8080, 65535 };
static const uint8_t protocols[] = { 1, 2, 6, 6, 6, 17, 17, 58, 132, 50, 51 };

/* Packets */

struct packet {
	uint8_t bytes[LONGEST + 256]; /* the headers go a little beyond */
	uint32_t len;
};

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static size_t put_transport(uint8_t *p, uint8_t protocol)
{
	static const uint8_t types[] = { 0, 3, 8, 11, 128, 129, 135 };

	if (protocol == 1 || protocol == 58) {
		p[0] = ONE_OF(types);
		p[1] = (uint8_t)below(4);
		return 8;
	}
	put16(p, chance(80) ? ONE_OF(ports) : below(65536));
	put16(p + 2, chance(80) ? ONE_OF(ports) : below(65536));
	if (protocol == 6) {
		p[12] = (uint8_t)((5 + below(11)) << 4);
		p[13] = (uint8_t)(1u << below(6) | 1u << below(6));
	}
	return 20;
}

static void put4(uint8_t *p)
{
	uint8_t words = chance(70) ? 5 : (uint8_t)below(16), protocol = ONE_OF(protocols);

	p[0] = 0x40 | words;
	put16(p + 2, below(LONGEST));
	put16(p + 6, chance(75) ? 0 : below(65536) & 0x3fff);
	p[9] = chance(95) ? protocol : (uint8_t)below(256);
	memcpy(p + 12, ONE_OF(addresses4), 4);
	memcpy(p + 16, ONE_OF(addresses4), 4);
	put_transport(p + words * 4, protocol);
}

static void put6(uint8_t *p)
{
	static const uint8_t extensions[] = { 0, 43, 44, 51, 60 };
	uint8_t *next_header = p + 6, protocol = ONE_OF(protocols);
	size_t at = 40;

	p[0] = 0x60;
	put16(p + 4, below(LONGEST));
	memcpy(p + 8, ONE_OF(addresses6), 16);
	memcpy(p + 24, ONE_OF(addresses6), 16);
	for (uint32_t left = chance(60) ? 0 : 1 + below(4); left; left--) {
		*next_header = ONE_OF(extensions);
		next_header = p + at;
		p[at + 1] = (uint8_t)below(3);
		at += *next_header == 51 ? (p[at + 1] + 2u) * 4 : (p[at + 1] + 1u) * 8;
	}
	*next_header = chance(95) ? protocol : (uint8_t)below(256);
	put_transport(p + at, protocol);
}

/* BPF_PROG_TEST_RUN takes the first bytes for an Ethernet header: with these types it wants as much as an IP header behind it. */
static bool refused_by_test_run(const struct packet *p)
{
	uint32_t type = (uint32_t)p->bytes[12] << 8 | p->bytes[13];

	return (type == 0x0800 && p->len < 34) || (type == 0x86dd && p->len < 54);
}

static void make_headers(struct packet *p)
{
	for (size_t i = 0; i < sizeof(p->bytes); i += 8) {
		uint64_t noise = chance(80) ? next() : 0;

		memcpy(p->bytes + i, &noise, 8);
	}
	if (chance(10))
		return;
	if (chance(50))
		put4(p->bytes);
	else
		put6(p->bytes);
	if (chance(10))
		p->bytes[below(60)] = (uint8_t)below(256);
}

static void make_packet(struct packet *p)
{
	static const uint32_t longest[] = { SHORTEST + 1, 30, 60, 100, LONGEST + 1 };

	p->len = SHORTEST + below(ONE_OF(longest) - SHORTEST);
	make_headers(p);
	if (refused_by_test_run(p))
		p->bytes[13] ^= 1;
}

/* Expressions */

static void put_number(FILE *f)
{
	static const uint32_t edges[] = {
		0, 1, 2, 4, 255, 65535, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff,
	};

	fprintf(f, chance(50) ? "%u" : "0x%x", chance(80) ? below(70) : ONE_OF(edges));
}

static void put_sum(FILE *f, int depth)
{
	static const char *const protocol[] = { "ip", "ip6",  "tcp",   "udp",
						"ip", "icmp", "icmp6", "ether" };
	static const char *const op[] = { "+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>" };
	static const char *const size[] = { "", ":1", ":2", ":4" };

	if (depth <= 0 || chance(20)) {
		if (chance(20))
			fputs("len", f);
		else
			put_number(f);
	} else if (chance(60)) {
		fprintf(f, "%s[", ONE_OF(protocol));
		if (chance(70))
			fprintf(f, "%u", below(64));
		else
			put_sum(f, depth - 1);
		fprintf(f, "%s]", ONE_OF(size));
	} else {
		fputs(chance(10) ? "(- " : "(", f);
		put_sum(f, depth - 1);
		fprintf(f, " %s ", ONE_OF(op));
		put_sum(f, depth - 1);
		fputc(')', f);
	}
}

static void put_comparison(FILE *f)
{
	static const char *const op[] = { "=", "!=", "<", ">", "<=", ">=" };

	put_sum(f, 3);
	fprintf(f, " %s ", ONE_OF(op));
	put_sum(f, chance(50) ? 0 : 3);
}

static void put_address(FILE *f)
{
	static const char *const way[] = { "", "src ", "dst ", "src or dst ", "src and dst " };
	char text[64];
	const uint8_t *a = ONE_OF(addresses4);
	uint32_t bits = below(33), mask = bits ? UINT32_MAX << (32 - bits) : 0, v;

	fprintf(f, "%s", ONE_OF(way));
	if (chance(40)) {
		a = ONE_OF(addresses6);
		for (size_t i = 0, at = 0; i < 16; i += 2)
			at += (size_t)sprintf(text + at, "%s%x", i ? ":" : "",
					      a[i] << 8 | a[i + 1]);
		if (chance(50))
			fprintf(f, "host %s", text);
		else
			fprintf(f, "net %s/128", text);
		return;
	}
	v = (uint32_t)a[0] << 24 | (uint32_t)a[1] << 16 | (uint32_t)a[2] << 8 | a[3];
	if (chance(50)) {
		mask = UINT32_MAX;
		fputs("host ", f);
	} else {
		fputs("net ", f);
	}
	v &= mask;
	fprintf(f, "%u.%u.%u.%u", v >> 24, v >> 16 & 255, v >> 8 & 255, v & 255);
	if (mask != UINT32_MAX)
		fprintf(f, "/%u", bits);
}

static void put_port(FILE *f)
{
	static const char *const protocol[] = { "", "tcp ", "udp ", "sctp " };
	static const char *const way[] = { "", "src ", "dst ", "src and dst " };
	uint16_t a = ONE_OF(ports), b = ONE_OF(ports);

	fprintf(f, "%s%s", ONE_OF(protocol), ONE_OF(way));
	if (chance(50))
		fprintf(f, "port %u", a);
	else
		fprintf(f, "portrange %u-%u", a, b);
}

static void put_word(FILE *f)
{
	static const char *const words[] = {
		"ip",
		"ip6",
		"tcp",
		"udp",
		"icmp",
		"icmp6",
		"sctp",
		"igmp",
		"ah",
		"esp",
		"ip multicast",
		"ip6 multicast",
		"icmp[icmptype] = icmp-echo",
		"icmp6[icmp6type] = icmp6-echo",
		"tcp[tcpflags] & (tcp-syn|tcp-ack) != 0",
		"tcp[tcpflags] = tcp-rst",
		"ip[6:2] & 0x1fff != 0",
		"udp[4:2] > len - 20",
		"tcp[((tcp[12] & 0xf0) >> 2):4] = 0",
		"ip[2:2] - ((ip[0] & 15) << 2) - ((tcp[12] & 0xf0) >> 2) != 0",
	};

	fputs(ONE_OF(words), f);
}

static void put_primitive(FILE *f)
{
	static const char *const length[] = { "less", "greater", "len <=", "len !=" };
	static const char *const protocol[] = { "ip proto", "ip6 proto", "proto" };

	switch (below(8)) {
	case 0:
	case 1:
		put_address(f);
		break;
	case 2:
		put_port(f);
		break;
	case 3:
		put_word(f);
		break;
	case 4:
		fprintf(f, "%s %u", ONE_OF(length), below(LONGEST));
		break;
	case 5:
		fprintf(f, "%s %u", ONE_OF(protocol), ONE_OF(protocols));
		break;
	default:
		put_comparison(f);
	}
}

static void put_expression(FILE *f, int depth)
{
	if (depth <= 0 || chance(30)) {
		put_primitive(f);
		return;
	}
	fputs(chance(30) ? "not (" : "(", f);
	put_expression(f, depth - 1);
	fputs(chance(50) ? ") and (" : ") or (", f);
	put_expression(f, depth - 1);
	fputc(')', f);
}

static char *make_expression(void)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	put_expression(f, (int)below(5));
	assert_int_equal(fclose(f), 0);
	return text;
}

/* Classic programs */

static uint32_t some_offset(void)
{
	static const uint32_t edges[] = {
		0x7ffffffc, 0x7ffffffe, 0x7fffffff, 0x80000000, 0xfff00000,
		0xfffff000, 0xfffff004, 0xfffffffc, 0xffffffff,
	};

	return chance(97) ? below(24) : ONE_OF(edges);
}

static uint32_t some_number(void)
{
	return chance(50) ? below(40) : chance(50) ? (uint32_t)next() : UINT32_MAX - below(3);
}

static struct sock_filter some_sum(void)
{
	static const uint16_t ops[] = { BPF_ADD, BPF_SUB, BPF_MUL, BPF_DIV, BPF_MOD, BPF_OR,
					BPF_AND, BPF_XOR, BPF_LSH, BPF_RSH, BPF_NEG };
	uint16_t op = ONE_OF(ops);
	uint32_t k = op == BPF_LSH || op == BPF_RSH ? below(32) : some_number();

	if (op == BPF_NEG)
		return (struct sock_filter)BPF_STMT(BPF_ALU | BPF_NEG, 0);
	/* A division by X ends most programs: X is 0 or too large. */
	if (op == BPF_DIV || op == BPF_MOD ? chance(20) : chance(50))
		return (struct sock_filter)BPF_STMT(BPF_ALU | op | BPF_X, 0);
	return (struct sock_filter)BPF_STMT(BPF_ALU | op | BPF_K, k ? k : 1);
}

static struct sock_filter some_load(void)
{
	static const uint16_t sizes[] = { BPF_W, BPF_H, BPF_B };
	static const uint16_t codes[] = {
		BPF_LD | BPF_IMM,          BPF_LDX | BPF_IMM, BPF_LD | BPF_MEM, BPF_LDX | BPF_MEM,
		BPF_LD | BPF_LEN,          BPF_LDX | BPF_LEN, BPF_ST,           BPF_STX,
		BPF_LDX | BPF_MSH | BPF_B,
	};
	uint16_t code = chance(40) ? BPF_LD | BPF_ABS | ONE_OF(sizes) : ONE_OF(codes);

	/* X may be anything: such a load ends most programs. */
	if (chance(5))
		code = BPF_LD | BPF_IND | ONE_OF(sizes);
	if (BPF_CLASS(code) == BPF_ST || BPF_CLASS(code) == BPF_STX || BPF_MODE(code) == BPF_MEM)
		return (struct sock_filter)BPF_STMT(code, below(BPF_MEMWORDS));
	if (BPF_MODE(code) == BPF_IMM)
		return (struct sock_filter)BPF_STMT(code, some_number());
	return (struct sock_filter)BPF_STMT(code, BPF_MODE(code) == BPF_LEN ? 0 : some_offset());
}

/* left: how many instructions there are behind it. */
static struct sock_filter some_jump(uint32_t left)
{
	static const uint16_t ops[] = { BPF_JA, BPF_JEQ, BPF_JGT, BPF_JGE, BPF_JSET };
	uint16_t op = ONE_OF(ops), source = chance(50) ? BPF_K : BPF_X;
	uint32_t most = left < 8 ? left : 8;

	if (op == BPF_JA)
		return (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, below(most));
	return (struct sock_filter)BPF_JUMP((uint16_t)(BPF_JMP | op | source),
					    source == BPF_K ? some_number() : 0,
					    (uint8_t)below(most), (uint8_t)below(most));
}

/* All scratch memory is written first: bpf_filter() reads what happens to be there. */
static size_t make_program(struct sock_filter *insns)
{
	size_t n = BPF_MEMWORDS + 2 + below(40);

	for (uint32_t i = 0; i < BPF_MEMWORDS; i++)
		insns[i] = (struct sock_filter)BPF_STMT(BPF_ST, i);
	for (size_t i = BPF_MEMWORDS; i < n - 1; i++) {
		switch (below(6)) {
		case 0:
			insns[i] = some_jump((uint32_t)(n - 1 - i));
			break;
		case 1:
			insns[i] = (struct sock_filter)BPF_STMT(
				BPF_MISC | (chance(50) ? BPF_TAX : BPF_TXA), 0);
			break;
		case 2:
		case 3:
			insns[i] = some_sum();
			break;
		default:
			insns[i] = some_load();
		}
	}
	insns[n - 1] = (struct sock_filter)BPF_STMT(BPF_RET | (chance(80) ? BPF_A : BPF_K), 1);
	return n;
}

/* Verdicts */

static void print_failure(const struct filter *f, const struct packet *p, int got)
{
	print_error("USN_SEED=%llu: the kernel says %d\n", (unsigned long long)seed, got);
	for (size_t i = 0; i < f->n; i++)
		print_error("{ 0x%02x, %u, %u, 0x%08x },\n", f->insns[i].code, f->insns[i].jt,
			    f->insns[i].jf, f->insns[i].k);
	print_error("%u bytes:", p->len);
	for (uint32_t i = 0; i < p->len; i++)
		print_error(" %02x", p->bytes[i]);
	print_error("\n");
}

static void must_agree(const struct filter *f, int fd, const struct packet *p, bool want,
		       const char *what)
{
	int got = kernel_verdict(fd, p->bytes, p->len);

	if (got == (want ? MATCH : NO_MATCH))
		return;
	print_failure(f, p, got);
	fail_msg("not libpcap's verdict: %s", what);
}

/* Both forms; -errno in place of that in place, if the kernel refuses it. */
static void load_forms(const struct filter *f, int fds[2], const char *what)
{
	const struct filter_stages stages = { array, SLOT, BY_CALL_SLOT };
	const uint32_t by_call = BY_CALL_SLOT;
	struct packet p;

	fds[0] = filter_load_form(f, false, &stages);
	if (fds[0] < 0) {
		make_packet(&p);
		print_failure(f, &p, fds[0]);
		fail_msg("%s: %s", what, strerror(-fds[0]));
	}
	assert_int_equal(bpf_map_update_elem(array, &by_call, &fds[0], BPF_ANY), 0);
	fds[1] = filter_load_form(f, true, &stages);
}

/* The number of matches among PACKETS packets, with both forms of the program. *refused counts those that are not loaded in place. */
static unsigned int compare(const struct filter *f, const char *what, unsigned int *refused)
{
	static struct packet p;
	unsigned int matches = 0;
	int fds[2];

	load_forms(f, fds, what);
	*refused += fds[1] < 0;
	for (int i = 0; i < PACKETS; i++) {
		bool want;

		make_packet(&p);
		want = filter_matches(f, p.bytes, p.len, p.len);
		must_agree(f, fds[0], &p, want, what);
		if (fds[1] >= 0)
			must_agree(f, fds[1], &p, want, what);
		matches += want;
	}
	close_fd(fds[0]);
	close_fd(fds[1]);
	return matches;
}

/* A comparison says something only if both verdicts come up. */
static void assert_both(unsigned int matches, unsigned int pairs)
{
	print_message("# %u packets, %u matches\n", pairs, matches);
	assert_true(matches > pairs / 20);
	assert_true(matches < pairs - pairs / 20);
}

static void expressions(void **state)
{
	unsigned int taken = 0, tried = 0, matches = 0, refused = 0;

	(void)state;
	while (taken < EXPRESSIONS) {
		_cleanup_free_ char *text = make_expression();
		_cleanup_(filter_freep) struct filter *f = NULL;
		struct usn_err e;

		/* libpcap refuses some: what rejects every packet, a division by 0, more than it has registers for. */
		assert_true(++tried < 10 * EXPRESSIONS);
		if (filter_compile(text, &f, &e) < 0)
			continue;
		taken++;
		matches += compare(f, text, &refused);
	}
	assert_int_equal(refused, 0);
	assert_both(matches, taken * PACKETS);
}

static void programs(void **state)
{
	struct sock_filter insns[BPF_MEMWORDS + 42];
	unsigned int matches = 0, refused = 0;

	(void)state;
	for (int i = 0; i < PROGRAMS; i++) {
		_cleanup_(filter_freep) struct filter *f = NULL;
		struct usn_err e;

		if (filter_from_classic(insns, make_program(insns), &f, &e) < 0)
			fail_msg("USN_SEED=%llu: %s", (unsigned long long)seed, e.text);
		matches += compare(f, "a classic program", &refused);
	}
	/* An old verifier gets lost on ways that no packet can go: Linux 5.10 in one of some hundred. */
	assert_true(refused <= PROGRAMS / 50);
	assert_both(matches, PROGRAMS * PACKETS);
}

/* Each test begins with the seed, so that one of them alone can be repeated. */
static int set_seed(void **state)
{
	(void)state;
	state_of_random = seed;
	return 0;
}

static int make_array(void **state)
{
	const char *text = getenv("USN_SEED");

	(void)state;
	if (text)
		seed = strtoull(text, NULL, 10);
	else if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		return -1;
	array = array_of_match();
	return 0;
}

static int close_array(void **state)
{
	(void)state;
	array = close_fd(array);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(expressions, set_seed),
		cmocka_unit_test_setup(programs, set_seed),
	};

	if (skipped_without_bpf(tests, ARRAY_SIZE(tests)))
		return 0;
	return cmocka_run_group_tests_name("filter_random", tests, make_array, close_array);
}
