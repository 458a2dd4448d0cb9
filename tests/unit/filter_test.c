// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Filters: what is refused, where a packet ends, each classic instruction, and the chain of taps on a device. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

#include <cmocka.h>

#include "tap/filter_parts.h"
#include "filter_kernel.h"
#include "needs_bpf.h"

/* enum bpf_attach_type of 6.6 */
#define ATTACH_TCX_INGRESS 46

static int array = -1;

#define STAGES ((const struct filter_stages){ array, SLOT, BY_CALL_SLOT })

static int make_array(void **state)
{
	(void)state;
	array = array_of_match();
	return 0;
}

static int close_array(void **state)
{
	(void)state;
	array = close_fd(array);
	return 0;
}

static void refused(void **state)
{
	static const struct {
		const char *expression, *text;
	} cases[] = {
		{ "tcp prot 80", "filter 'tcp prot 80': syntax error" },
		{ "tcp port", "filter 'tcp port': syntax error" },
		{ "(tcp", "filter '(tcp': syntax error" },
		{ "tcp\nprot 80", "filter 'tcp?prot 80': syntax error" },
		{ "port 65536", NULL },
		{ "host 10.64.0.256", NULL },
		{ "ip[0] / 0 = 1", "filter 'ip[0] / 0 = 1': division by zero" },
		{ "ip[0] << 32 = 1", "filter 'ip[0] << 32 = 1': shift by more than 31 bits" },
		{ "ip[0:3] = 1", NULL },
		{ "ether host 02:00:00:00:00:01", NULL },
		{ "vlan 3", NULL },
		{ "ip and ip6", "filter 'ip and ip6': expression rejects all packets" },
		{ "inbound", "filter 'inbound': for inbound and outbound use the option -Q in or "
			     "-Q out" },
		{ "tcp and outbound", "filter 'tcp and outbound': for inbound and outbound use the "
				      "option -Q in or -Q out" },
		{ "ifindex 3", "filter 'ifindex 3': a filter knows no ifindex: name the device "
			       "instead" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct filter *f = (struct filter *)&cases;
		struct usn_err e;

		if (filter_compile(cases[i].expression, &f, &e) != -EINVAL)
			fail_msg("taken: %s", cases[i].expression);
		assert_ptr_equal(f, &cases);
		assert_int_equal(e.code, EINVAL);
		assert_int_equal(strncmp(e.text, "filter '", 8), 0);
		assert_null(strchr(e.text, '\n'));
		if (cases[i].text)
			assert_string_equal(e.text, cases[i].text);
	}
	assert_null(filter_free(NULL));
}

/* The reason is there, however long the expression. */
static void long_expression(void **state)
{
	char text[3000];
	struct filter *f = NULL;
	struct usn_err e;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(filter_compile(text, &f, &e), -EINVAL);
	assert_non_null(strstr(e.text, "xxx...': "));
	assert_true(strlen(e.text) > strlen("...': ") + 160 + 10);
}

/* "host A or host B or ...": n of them. */
static struct filter *hosts(uint32_t n, struct usn_err *e)
{
	_cleanup_free_ char *text = NULL;
	struct filter *f = NULL;
	size_t size;
	FILE *o = open_memstream(&text, &size);

	assert_non_null(o);
	for (uint32_t i = 0; i < n; i++)
		fprintf(o, "%ssrc host 10.%u.%u.1", i ? " or " : "", i / 256, i % 256);
	assert_int_equal(fclose(o), 0);
	return filter_compile(text, &f, e) < 0 ? NULL : f;
}

/* 3751 instructions, by libpcap 1.10. */
#define MANY 2000

static void large(void **state)
{
	_cleanup_(filter_freep) struct filter *f = NULL, *too_many = NULL;
	uint8_t packet[40] = { 0x45, [12] = 10, 0, 0, 1 };
	struct usn_err e = { 0 };
	int fd;

	(void)state;
	f = hosts(MANY, &e);
	if (!f)
		fail_msg("%s", e.text);
	fd = must_load(f, array);
	for (unsigned int i = 0; i < MANY + 2; i += i < MANY - 50 ? 43 : 1) {
		packet[13] = (uint8_t)(i / 256);
		packet[14] = (uint8_t)i;
		assert_int_equal(kernel_verdict(fd, packet, sizeof(packet)),
				 i < MANY ? MATCH : NO_MATCH);
	}
	close(fd);
	too_many = hosts(MANY + MANY / 8, &e);
	assert_null(too_many);
	assert_non_null(strstr(e.text, " instructions, at most 4096"));
}

static void assert_classic(const struct sock_filter *insns, size_t n, const uint8_t *packet,
			   uint32_t len, bool want, size_t number)
{
	_cleanup_(filter_freep) struct filter *f = NULL;
	struct usn_err e;
	int fd, got;

	if (filter_from_classic(insns, n, &f, &e) < 0)
		fail_msg("program %zu: %s", number, e.text);
	fd = must_load(f, array);
	got = kernel_verdict(fd, packet, len);
	close(fd);
	if (got != (want ? MATCH : NO_MATCH))
		fail_msg("program %zu: the kernel says %d", number, got);
	if (filter_matches(f, packet, len, len) != want)
		fail_msg("program %zu: libpcap says %d", number, !want);
}

#define LAST(k) BPF_STMT(BPF_RET | BPF_K, (k))
#define LD(mode, size, k) BPF_STMT(BPF_LD | (mode) | (size), (k))
#define LDX(mode, size, k) BPF_STMT(BPF_LDX | (mode) | (size), (k))
#define ALU(op, src, k) BPF_STMT(BPF_ALU | (op) | (src), (k))
#define TAX BPF_STMT(BPF_MISC | BPF_TAX, 0)
#define TXA BPF_STMT(BPF_MISC | BPF_TXA, 0)
/* Yes if A is k. */
#define IS(k) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (k), 1, 0), LAST(0), LAST(1)
/* Yes if one of these bits is in A. */
#define SET(k) BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, (k), 1, 0), LAST(0), LAST(1)
/* Goes on behind the next n, unless A is k. */
#define UNLESS(k, n) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (k), 0, (n))

/* The rest of a case's array is zero, and no instruction of a case is. */
static size_t length_of(const struct sock_filter *insns, size_t n)
{
	while (!insns[n - 1].code && !insns[n - 1].k)
		n--;
	return n;
}

/* On a packet of 20 bytes: 1, 2, 3, ... 20. */
static void classic_instructions(void **state)
{
	static const struct {
		struct sock_filter insns[12];
		bool want;
	} cases[] = {
		/* The end. */
		{ { LAST(0) }, false },
		{ { LAST(1) }, true },
		{ { LAST(0x80000000) }, true },
		{ { BPF_STMT(BPF_RET | BPF_A, 0) }, false },
		{ { LD(BPF_IMM, 0, 0x80000000), BPF_STMT(BPF_RET | BPF_A, 0) }, true },
		/* Loads, and where the packet ends. */
		{ { LD(BPF_ABS, BPF_W, 16), IS(0x11121314) }, true },
		{ { LD(BPF_ABS, BPF_W, 17), LAST(1) }, false },
		{ { LD(BPF_ABS, BPF_H, 18), IS(0x1314) }, true },
		{ { LD(BPF_ABS, BPF_H, 19), LAST(1) }, false },
		{ { LD(BPF_ABS, BPF_B, 19), IS(0x14) }, true },
		{ { LD(BPF_ABS, BPF_B, 20), LAST(1) }, false },
		{ { LD(BPF_ABS, BPF_B, 0x7ffffffe), LAST(1) }, false },
		{ { LD(BPF_ABS, BPF_W, 0x7fffffff), LAST(1) }, false },
		{ { LD(BPF_ABS, BPF_W, 0x80000000), LAST(1) }, false },
		{ { LD(BPF_ABS, BPF_H, (uint32_t)(SKF_AD_OFF + SKF_AD_PROTOCOL)), LAST(1) },
		  false },
		{ { LD(BPF_ABS, BPF_B, (uint32_t)SKF_NET_OFF), LAST(1) }, false },
		{ { LD(BPF_ABS, BPF_W, 0xffffffff), LAST(1) }, false },
		{ { LDX(BPF_IMM, 0, 10), LD(BPF_IND, BPF_W, 6), IS(0x11121314) }, true },
		{ { LDX(BPF_IMM, 0, 10), LD(BPF_IND, BPF_W, 7), LAST(1) }, false },
		{ { LDX(BPF_IMM, 0, 20), LD(BPF_IND, BPF_B, 0), LAST(1) }, false },
		{ { LDX(BPF_IMM, 0, 0xffffffff), LD(BPF_IND, BPF_B, 0), LAST(1) }, false },
		{ { LDX(BPF_IMM, 0, 0xffffffff), LD(BPF_IND, BPF_B, 1), LAST(1) }, false },
		{ { LDX(BPF_IMM, 0, 0xffffffff), LD(BPF_IND, BPF_W, 0x7ffffff0), LAST(1) }, false },
		{ { LDX(BPF_IMM, 0, 4), LD(BPF_IND, BPF_B, 0xfffffffe), LAST(1) }, false },
		{ { LDX(BPF_IMM, 0, 0x80000000), LD(BPF_IND, BPF_B, 0x80000000), LAST(1) }, false },
		{ { LDX(BPF_MSH, BPF_B, 18), TXA, IS(12) }, true },
		{ { LDX(BPF_MSH, BPF_B, 15), TXA, IS(0) }, true },
		{ { LDX(BPF_MSH, BPF_B, 20), LAST(1) }, false },
		{ { LDX(BPF_MSH, BPF_B, 0xfffff004), LAST(1) }, false },
		{ { LD(BPF_IMM, 0, 5), LDX(BPF_MSH, BPF_B, 3), IS(5) }, true },
		{ { LD(BPF_LEN, 0, 0), IS(20) }, true },
		{ { LDX(BPF_LEN, 0, 0), TXA, IS(20) }, true },
		/* A packet load leaves X and the scratch memory. */
		{ { LDX(BPF_IMM, 0, 9), LD(BPF_ABS, BPF_B, 0), TXA, IS(9) }, true },
		{ { LD(BPF_IMM, 0, 9), BPF_STMT(BPF_ST, 15), LD(BPF_ABS, BPF_B, 0),
		    LD(BPF_MEM, 0, 15), IS(9) },
		  true },
		{ { LDX(BPF_IMM, 0, 0xdeadbeef), BPF_STMT(BPF_STX, 0), LD(BPF_MEM, 0, 0),
		    IS(0xdeadbeef) },
		  true },
		{ { LD(BPF_IMM, 0, 7), BPF_STMT(BPF_ST, 3), LDX(BPF_MEM, 0, 3), LD(BPF_IMM, 0, 0),
		    TXA, IS(7) },
		  true },
		/* Both begin as 0. */
		{ { IS(0) }, true },
		{ { TXA, IS(0) }, true },
		/* 32 bits wide. */
		{ { LD(BPF_IMM, 0, 0xffffffff), ALU(BPF_ADD, BPF_K, 2), IS(1) }, true },
		{ { LD(BPF_IMM, 0, 1), ALU(BPF_SUB, BPF_K, 2), IS(0xffffffff) }, true },
		{ { LD(BPF_IMM, 0, 0x10001), ALU(BPF_MUL, BPF_K, 0x10001), IS(0x20001) }, true },
		{ { LD(BPF_IMM, 0, 1), ALU(BPF_NEG, 0, 0), IS(0xffffffff) }, true },
		{ { LD(BPF_IMM, 0, 0xffffffff), ALU(BPF_DIV, BPF_K, 0x80000000), IS(1) }, true },
		{ { LD(BPF_IMM, 0, 0xffffffff), ALU(BPF_MOD, BPF_K, 0xfffffffe), IS(1) }, true },
		{ { LD(BPF_IMM, 0, 0xf0), ALU(BPF_XOR, BPF_K, 0x800000ff), IS(0x8000000f) }, true },
		{ { LD(BPF_IMM, 0, 1), ALU(BPF_OR, BPF_K, 0x80000000), ALU(BPF_RSH, BPF_K, 31),
		    IS(1) },
		  true },
		{ { LD(BPF_IMM, 0, 3), ALU(BPF_LSH, BPF_K, 31), IS(0x80000000) }, true },
		{ { LDX(BPF_IMM, 0, 31), LD(BPF_IMM, 0, 3), ALU(BPF_LSH, BPF_X, 0),
		    IS(0x80000000) },
		  true },
		{ { LDX(BPF_IMM, 0, 32), LD(BPF_IMM, 0, 3), ALU(BPF_LSH, BPF_X, 0), IS(0) }, true },
		{ { LDX(BPF_IMM, 0, 33), LD(BPF_IMM, 0, 9), ALU(BPF_RSH, BPF_X, 0), IS(0) }, true },
		{ { LDX(BPF_IMM, 0, 0x80000001), LD(BPF_IMM, 0, 9), ALU(BPF_RSH, BPF_X, 0), IS(0) },
		  true },
		/* Division by zero. */
		{ { ALU(BPF_DIV, BPF_X, 0), LAST(1) }, false },
		{ { ALU(BPF_MOD, BPF_X, 0), LAST(1) }, false },
		{ { LDX(BPF_IMM, 0, 3), LD(BPF_IMM, 0, 8), ALU(BPF_MOD, BPF_X, 0), IS(2) }, true },
		/* Comparisons are unsigned, and jump either way. */
		{ { LD(BPF_IMM, 0, 0x80000000), BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 1, 1, 0),
		    LAST(0), LAST(1) },
		  true },
		{ { LD(BPF_IMM, 0, 1), BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x80000000, 0, 1),
		    LAST(0), LAST(1) },
		  true },
		{ { LD(BPF_IMM, 0, 0x80000000), TAX, BPF_JUMP(BPF_JMP | BPF_JGE | BPF_X, 0, 1, 0),
		    LAST(0), LAST(1) },
		  true },
		{ { LD(BPF_IMM, 0, 0x80000000),
		    BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x80000000, 1, 2), LAST(0), LAST(1),
		    LAST(0) },
		  true },
		{ { LDX(BPF_IMM, 0, 2), LD(BPF_IMM, 0, 5),
		    BPF_JUMP(BPF_JMP | BPF_JSET | BPF_X, 0, 0, 1), LAST(0), LAST(1) },
		  true },
		{ { BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 0), LAST(1) }, true },
		{ { LD(BPF_IMM, 0, 0x80000000), BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 1, 0, 1),
		    LAST(1), LAST(0) },
		  true },
		{ { LD(BPF_IMM, 0, 0x80000000), BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 1, 0, 1),
		    LAST(1), LAST(0) },
		  true },
		/* The order of bytes: of what is only compared, */
		{ { LD(BPF_ABS, BPF_H, 0), IS(0x0102) }, true },
		{ { LD(BPF_ABS, BPF_H, 0), IS(0x0201) }, false },
		{ { LD(BPF_ABS, BPF_H, 0), IS(0x10102) }, false },
		{ { LD(BPF_ABS, BPF_W, 0), IS(0x04030201) }, false },
		{ { LD(BPF_ABS, BPF_H, 0), SET(0x0100) }, true },
		{ { LD(BPF_ABS, BPF_H, 0), SET(0xffff0001) }, false },
		{ { LD(BPF_ABS, BPF_W, 0), SET(0x01000000) }, true },
		{ { LDX(BPF_IMM, 0, 2), LD(BPF_IND, BPF_W, 0), IS(0x03040506) }, true },
		/* and of what is a number, too, or may be one of two things. */
		{ { LD(BPF_ABS, BPF_H, 0), UNLESS(9, 1), LAST(0), ALU(BPF_ADD, BPF_K, 1),
		    IS(0x0103) },
		  true },
		{ { LD(BPF_ABS, BPF_H, 0), UNLESS(9, 1), LAST(0),
		    BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 0x0101, 1, 0), LAST(0), LAST(1) },
		  true },
		{ { LD(BPF_ABS, BPF_H, 0), BPF_STMT(BPF_ST, 1), LD(BPF_MEM, 0, 1), IS(0x0102) },
		  true },
		{ { LD(BPF_ABS, BPF_H, 0), TAX, TXA, IS(0x0102) }, true },
		{ { LD(BPF_ABS, BPF_B, 0), UNLESS(9, 2), LD(BPF_ABS, BPF_H, 2),
		    BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0), LD(BPF_ABS, BPF_W, 0), IS(0x01020304) },
		  true },
		{ { LD(BPF_ABS, BPF_B, 0), UNLESS(9, 2), LD(BPF_ABS, BPF_B, 3),
		    BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0), LD(BPF_ABS, BPF_H, 0), IS(0x0102) },
		  true },
		{ { LD(BPF_ABS, BPF_H, 0), UNLESS(9, 1), LAST(0), IS(0x0102) }, true },
		/* The same asked twice, and not quite. */
		{ { LD(BPF_ABS, BPF_B, 0), ALU(BPF_AND, BPF_K, 3), UNLESS(2, 1), LAST(0),
		    LD(BPF_ABS, BPF_B, 0), ALU(BPF_AND, BPF_K, 3), IS(1) },
		  true },
		{ { LD(BPF_ABS, BPF_B, 0), ALU(BPF_AND, BPF_K, 3), UNLESS(2, 1), LAST(0),
		    LD(BPF_ABS, BPF_B, 1), ALU(BPF_AND, BPF_K, 3), IS(2) },
		  true },
		{ { LD(BPF_ABS, BPF_B, 4), UNLESS(6, 2), LD(BPF_ABS, BPF_B, 0),
		    ALU(BPF_AND, BPF_K, 3), UNLESS(9, 1), LAST(0), LD(BPF_ABS, BPF_B, 0),
		    ALU(BPF_AND, BPF_K, 3), IS(1) },
		  true },
		/* Several loads behind X, and another X in between. */
		{ { LDX(BPF_MSH, BPF_B, 0), LD(BPF_IND, BPF_H, 0), LD(BPF_IND, BPF_B, 2), IS(7) },
		  true },
		{ { LDX(BPF_MSH, BPF_B, 0), LD(BPF_IND, BPF_B, 0), TAX, LD(BPF_IND, BPF_B, 2),
		    IS(8) },
		  true },
		{ { LDX(BPF_MSH, BPF_B, 0), LD(BPF_IND, BPF_B, 0), LDX(BPF_IMM, 0, 9),
		    LD(BPF_IND, BPF_B, 0), IS(10) },
		  true },
		{ { LDX(BPF_MSH, BPF_B, 0), LD(BPF_IND, BPF_B, 12), LDX(BPF_MSH, BPF_B, 1),
		    LD(BPF_IND, BPF_B, 0), IS(9) },
		  true },
		{ { LDX(BPF_MSH, BPF_B, 0), LD(BPF_IND, BPF_W, 12), IS(0x11121314) }, true },
		{ { LDX(BPF_MSH, BPF_B, 0), LD(BPF_IND, BPF_W, 13), LAST(1) }, false },
		/* What cannot be reached is left out. */
		{ { BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0), LAST(0), LAST(1) }, true },
		{ { LD(BPF_ABS, BPF_B, 0xffffffff), LD(BPF_ABS, BPF_B, 0), LAST(1) }, false },
		{ { BPF_JUMP(BPF_JMP | BPF_JA, 2, 0, 0), LD(BPF_ABS, BPF_B, 0xffffffff), LAST(1),
		    LAST(0) },
		  false },
	};
	uint8_t packet[20];

	(void)state;
	for (size_t i = 0; i < sizeof(packet); i++)
		packet[i] = (uint8_t)(i + 1);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t n = length_of(cases[i].insns, ARRAY_SIZE(cases[i].insns));

		assert_classic(cases[i].insns, n, packet, sizeof(packet), cases[i].want, i);
	}
}

/*
 * The first byte known, 0x45, and not: on packets that begin with 0x45 and 0x46 and go on with 2, 3, 4, ..., of 28 bytes, for
 * which there is a copy of the program, and of 27, for which there is none.
 */
static void first_byte(void **state)
{
	static const struct {
		struct sock_filter insns[12];
		bool want[2];
	} cases[] = {
		{ { LD(BPF_ABS, BPF_B, 0), IS(0x45) }, { true, false } },
		{ { LD(BPF_ABS, BPF_B, 0), IS(0x46) }, { false, true } },
		{ { LD(BPF_ABS, BPF_B, 0), BPF_STMT(BPF_RET | BPF_A, 0) }, { true, true } },
		{ { LD(BPF_ABS, BPF_B, 0), ALU(BPF_AND, BPF_K, 0x8a),
		    BPF_STMT(BPF_RET | BPF_A, 0) },
		  { false, true } },
		/* Calculated with, as far as that is followed and further. */
		{ { LD(BPF_ABS, BPF_B, 0), ALU(BPF_AND, BPF_K, 0xf), ALU(BPF_LSH, BPF_K, 30),
		    IS(0x40000000) },
		  { true, false } },
		{ { LD(BPF_ABS, BPF_B, 0), ALU(BPF_RSH, BPF_K, 1), IS(0x22) }, { true, false } },
		{ { LD(BPF_ABS, BPF_B, 0), ALU(BPF_ADD, BPF_K, 1), IS(0x46) }, { true, false } },
		{ { LD(BPF_ABS, BPF_B, 0), ALU(BPF_NEG, 0, 0), IS(0xffffffbb) }, { true, false } },
		{ { LD(BPF_ABS, BPF_B, 0), TAX, LD(BPF_IMM, 0, 1), ALU(BPF_ADD, BPF_X, 0),
		    IS(0x46) },
		  { true, false } },
		{ { LD(BPF_ABS, BPF_B, 0), BPF_STMT(BPF_ST, 1), LD(BPF_ABS, BPF_B, 1),
		    LD(BPF_MEM, 0, 1), IS(0x45) },
		  { true, false } },
		{ { LD(BPF_ABS, BPF_B, 0), LD(BPF_LEN, 0, 0), IS(0x45) }, { false, false } },
		{ { LD(BPF_ABS, BPF_B, 0), TXA, IS(0) }, { true, true } },
		/* Another byte, or more of them. */
		{ { LD(BPF_ABS, BPF_B, 1), IS(2) }, { true, true } },
		{ { LD(BPF_ABS, BPF_H, 0), IS(0x4502) }, { true, false } },
		{ { LDX(BPF_IMM, 0, 3), LD(BPF_IND, BPF_B, 0), IS(4) }, { true, true } },
		/* Each comparison, both ways. */
		{ { LD(BPF_ABS, BPF_B, 0), BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 0x45, 1, 0), LAST(1),
		    LAST(0) },
		  { true, false } },
		{ { LD(BPF_ABS, BPF_B, 0), BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x46, 0, 1), LAST(0),
		    LAST(1) },
		  { true, false } },
		{ { LD(BPF_ABS, BPF_B, 0), BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x45, 0, 1), LAST(1),
		    LAST(0) },
		  { true, true } },
		{ { LD(BPF_ABS, BPF_B, 0), SET(1) }, { true, false } },
		{ { LD(BPF_ABS, BPF_B, 0), SET(0x8a) }, { false, true } },
		{ { LDX(BPF_IMM, 0, 0x45), LD(BPF_ABS, BPF_B, 0),
		    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_X, 0, 1, 0), LAST(0), LAST(1) },
		  { true, false } },
		/* Behind the header, to the last byte of the packet, and in another X. */
		{ { LDX(BPF_MSH, BPF_B, 0), LD(BPF_IND, BPF_H, 0), IS(0x1516) }, { true, false } },
		{ { LDX(BPF_MSH, BPF_B, 0), LD(BPF_IND, BPF_H, 0), IS(0x191a) }, { false, true } },
		{ { LDX(BPF_MSH, BPF_B, 0), LD(BPF_IND, BPF_W, 3), IS(0x18191a1b) },
		  { true, false } },
		{ { LDX(BPF_MSH, BPF_B, 0), LD(BPF_IND, BPF_B, 8), LAST(1) }, { false, false } },
		{ { LDX(BPF_MSH, BPF_B, 0), LD(BPF_IND, BPF_B, 0xffffffff), LAST(1) },
		  { false, false } },
		{ { LDX(BPF_MSH, BPF_B, 0), LD(BPF_IND, BPF_B, 0x7fffffff), LAST(1) },
		  { false, false } },
		{ { LDX(BPF_MSH, BPF_B, 0), LD(BPF_IND, BPF_B, 0x7000), LAST(1) },
		  { false, false } },
		{ { LDX(BPF_MSH, BPF_B, 0), TXA, IS(20) }, { true, false } },
		{ { LDX(BPF_MSH, BPF_B, 0), LDX(BPF_IMM, 0, 5), LD(BPF_IND, BPF_B, 0), IS(6) },
		  { true, true } },
		{ { LDX(BPF_MSH, BPF_B, 0), LDX(BPF_MSH, BPF_B, 1), LD(BPF_IND, BPF_B, 0), IS(9) },
		  { true, true } },
		{ { LDX(BPF_MSH, BPF_B, 0), LD(BPF_ABS, BPF_B, 4), TAX, LD(BPF_IND, BPF_B, 0),
		    IS(6) },
		  { true, true } },
		/* Known on one of two ways, or two things on both. */
		{ { LD(BPF_ABS, BPF_B, 1), UNLESS(9, 2), LD(BPF_ABS, BPF_B, 0),
		    BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0), LD(BPF_ABS, BPF_B, 3), IS(4) },
		  { true, true } },
		{ { LD(BPF_ABS, BPF_B, 1), UNLESS(2, 2), LD(BPF_ABS, BPF_B, 0),
		    BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0), LD(BPF_ABS, BPF_B, 3), IS(0x45) },
		  { true, false } },
		{ { LD(BPF_ABS, BPF_B, 1), UNLESS(9, 3), LD(BPF_ABS, BPF_B, 0),
		    ALU(BPF_AND, BPF_K, 0xf), BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0),
		    LD(BPF_ABS, BPF_B, 0), IS(0x45) },
		  { true, false } },
		{ { LD(BPF_ABS, BPF_B, 1), UNLESS(9, 1), LDX(BPF_MSH, BPF_B, 0),
		    LD(BPF_IND, BPF_B, 3), IS(4) },
		  { true, true } },
		{ { LD(BPF_ABS, BPF_B, 1), UNLESS(2, 1), LDX(BPF_MSH, BPF_B, 0),
		    LD(BPF_IND, BPF_B, 3), IS(24) },
		  { true, false } },
		{ { LDX(BPF_MSH, BPF_B, 0), LD(BPF_ABS, BPF_B, 1), UNLESS(2, 1), LDX(BPF_IMM, 0, 3),
		    LD(BPF_IND, BPF_B, 0), IS(4) },
		  { true, true } },
		{ { LDX(BPF_MSH, BPF_B, 0), LD(BPF_ABS, BPF_B, 1), UNLESS(9, 1), LDX(BPF_IMM, 0, 3),
		    LD(BPF_IND, BPF_B, 0), IS(21) },
		  { true, false } },
	};
	uint8_t packet[28];

	(void)state;
	for (size_t i = 0; i < sizeof(packet); i++)
		packet[i] = (uint8_t)(i + 1);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t n = length_of(cases[i].insns, ARRAY_SIZE(cases[i].insns));

		for (uint32_t k = 0; k < 2; k++) {
			packet[0] = (uint8_t)(0x45 + k);
			assert_classic(cases[i].insns, n, packet, 28, cases[i].want[k], i);
			assert_classic(cases[i].insns, n, packet, 27, cases[i].want[k], i);
		}
	}
}

/* Scratch memory that was not written: libpcap reads what is there, the kernel must not refuse it. */
static void unwritten_memory(void **state)
{
	static const struct sock_filter insns[] = { LD(BPF_MEM, 0, 3), IS(0) };
	_cleanup_(filter_freep) struct filter *f = NULL;
	const uint8_t packet[20] = { 0x45 };
	struct usn_err e;
	int fd;

	(void)state;
	assert_int_equal(filter_from_classic(insns, ARRAY_SIZE(insns), &f, &e), 0);
	fd = must_load(f, array);
	assert_int_equal(kernel_verdict(fd, packet, sizeof(packet)), MATCH);
	close(fd);
}

static void not_classic(void **state)
{
	static const struct sock_filter cases[][3] = {
		{ BPF_STMT(0xff, 0), LAST(1), LAST(1) },
		{ BPF_STMT(BPF_LD | BPF_DW, 0), LAST(1), LAST(1) },
		{ BPF_STMT(BPF_LDX | BPF_ABS, 0), LAST(1), LAST(1) },
		{ BPF_STMT(BPF_LD | BPF_MSH | BPF_B, 0), LAST(1), LAST(1) },
		{ BPF_STMT(BPF_LD | BPF_MEM | BPF_B, 0), LAST(1), LAST(1) },
		{ LD(BPF_MEM, 0, 16), LAST(1), LAST(1) },
		{ BPF_STMT(BPF_ST, 16), LAST(1), LAST(1) },
		{ ALU(0xb0, BPF_K, 1), LAST(1), LAST(1) },
		{ ALU(BPF_DIV, BPF_K, 0), LAST(1), LAST(1) },
		{ ALU(BPF_MOD, BPF_K, 0), LAST(1), LAST(1) },
		{ ALU(BPF_LSH, BPF_K, 32), LAST(1), LAST(1) },
		{ BPF_JUMP(0x55, 1, 0, 0), LAST(1), LAST(1) },
		{ BPF_JUMP(BPF_JMP | BPF_JEQ, 1, 2, 0), LAST(1), LAST(1) },
		{ BPF_STMT(BPF_RET | BPF_X, 0), LAST(1), LAST(1) },
		{ BPF_STMT(BPF_MISC | 0x40, 0), LAST(1), LAST(1) },
		{ BPF_STMT(0x100 | BPF_RET, 1), LAST(1), LAST(1) },
		{ LAST(1), LAST(1), TAX },
	};
	struct filter *f = NULL;
	struct usn_err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (filter_from_classic(cases[i], 3, &f, &e) != -EINVAL)
			fail_msg("taken: program %zu", i);
	}
	assert_int_equal(filter_from_classic(cases[0], 0, &f, &e), -EINVAL);
}

/* Where jumps get too long: the most that classic programs can be made of. */
static void does_not_fit(void **state)
{
	static struct sock_filter insns[BPF_MAXINSNS];
	_cleanup_(filter_freep) struct filter *f = NULL;
	struct usn_err e;
	int fd = -1;

	(void)state;
	for (size_t i = 0; i < BPF_MAXINSNS; i++)
		insns[i] = (struct sock_filter)LD(BPF_IND, BPF_W, 0);
	insns[BPF_MAXINSNS - 1] = (struct sock_filter)LAST(1);
	assert_int_equal(filter_from_classic(insns, BPF_MAXINSNS, &f, &e), 0);
	assert_int_equal(filter_load(f, &STAGES, &fd, &e), -E2BIG);
	assert_string_equal(e.text, "the filter is too large for the kernel (4096 instructions): "
				    "make it shorter");
	assert_int_equal(fd, -1);
}

/*
 * X takes 2^20 values here. The verifier follows each where a packet is read in place, and none where that is a call: the
 * slower form is loaded then.
 */
static void refused_in_place(void **state)
{
	static const struct sock_filter tail[] = { LD(BPF_IND, BPF_B, 0), IS(0x66) };
	struct sock_filter insns[20 * 5 + ARRAY_SIZE(tail)];
	_cleanup_(filter_freep) struct filter *f = NULL;
	const uint8_t packet[20] = { 0x45, [2] = 1, [1 + 4] = 0x66 };
	size_t n = 0;
	int fd;

	(void)state;
	for (uint32_t i = 0; i < 20; i++) {
		const struct sock_filter step[] = { LD(BPF_ABS, BPF_B, i),
						    BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 1, 0, 3),
						    TXA, ALU(BPF_ADD, BPF_K, 1U << i), TAX };

		memcpy(&insns[n], step, sizeof(step));
		n += ARRAY_SIZE(step);
	}
	memcpy(&insns[n], tail, sizeof(tail));
	assert_int_equal(filter_from_classic(insns, ARRAY_SIZE(insns), &f, &(struct usn_err){}), 0);
	assert_true(filter_load_form(f, true, &STAGES) < 0);
	fd = must_load(f, array);
	assert_int_equal(kernel_verdict(fd, packet, sizeof(packet)), MATCH);
	close(fd);
}

static void loops(void **state)
{
	_cleanup_(filter_freep) struct filter *f = must_compile("ip protochain 6");
	struct usn_err e;
	int fd = -1;

	(void)state;
	assert_int_equal(filter_load(f, &STAGES, &fd, &e), -EOPNOTSUPP);
	assert_non_null(strstr(e.text, "protochain"));
	assert_int_equal(fd, -1);
}

/* A match with nothing to go over to is no end of the chain, either. */
static void empty_slot(void **state)
{
	static const uint32_t slots[] = { EMPTY_SLOT, 3, UINT32_MAX };
	_cleanup_(filter_freep) struct filter *f = must_compile("");
	const uint8_t packet[20] = { 0x45 };

	(void)state;
	assert_true(filter_matches(f, packet, sizeof(packet), sizeof(packet)));
	for (size_t i = 0; i < ARRAY_SIZE(slots); i++) {
		struct usn_err e;
		int fd = -1;

		assert_int_equal(
			filter_load(f, &(struct filter_stages){ array, slots[i], BY_CALL_SLOT },
				    &fd, &e),
			0);
		assert_int_equal(kernel_verdict(fd, packet, sizeof(packet)), NO_MATCH);
		close(fd);
	}
}

/* What user space asks about a packet of which it has the first bytes only. */
static void cut_packets(void **state)
{
	_cleanup_(filter_freep) struct filter *length = must_compile("len = 1000");
	_cleanup_(filter_freep) struct filter *late = must_compile("ip[30] = 0");
	const uint8_t packet[40] = { 0x45 };

	(void)state;
	assert_true(filter_matches(length, packet, 40, 1000));
	assert_false(filter_matches(length, packet, 40, 40));
	assert_true(filter_matches(late, packet, 31, 1000));
	assert_false(filter_matches(late, packet, 30, 1000));
}

/* A program that counts its calls in the map at this key, and asks the next one. */
#define COUNT_AT(map, key)                                                                        \
	{                                                                                         \
		{ .code = BPF_ST | BPF_MEM | BPF_W,                                               \
		  .dst_reg = BPF_REG_10,                                                          \
		  .off = -4,                                                                      \
		  .imm = (key) },                                                                 \
			{ .code = BPF_ALU64 | BPF_MOV | BPF_X,                                    \
			  .dst_reg = BPF_REG_2,                                                   \
			  .src_reg = BPF_REG_10 },                                                \
			{ .code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = BPF_REG_2, .imm = -4 }, \
			{ .code = BPF_LD | BPF_DW | BPF_IMM,                                      \
			  .dst_reg = BPF_REG_1,                                                   \
			  .src_reg = BPF_PSEUDO_MAP_FD,                                           \
			  .imm = (map) },                                                         \
			{ 0 }, { .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_map_lookup_elem },   \
			{ .code = BPF_JMP | BPF_JEQ | BPF_K, .dst_reg = BPF_REG_0, .off = 2 },    \
			{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_1, .imm = 1 },  \
			{ .code = BPF_STX | BPF_ATOMIC | BPF_DW,                                  \
			  .dst_reg = BPF_REG_0,                                                   \
			  .src_reg = BPF_REG_1,                                                   \
			  .imm = BPF_ADD },                                                       \
			{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = -1 }, \
			{ .code = BPF_JMP | BPF_EXIT },                                           \
	}

enum { MATCHED, PASSED_ON };

struct chain {
	int tun, counts, array, behind;
	uint32_t ifindex;
};

/* The device is in a network namespace of its own, where nothing else sends. */
static uint32_t make_device(int *ret_tun)
{
	struct ifreq req = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	int tun, s;

	assert_int_equal(unshare(CLONE_NEWNET), 0);
	tun = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	assert_true(tun >= 0);
	assert_int_equal(ioctl(tun, TUNSETIFF, &req), 0);
	s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	req.ifr_flags = IFF_UP;
	assert_int_equal(ioctl(s, SIOCSIFFLAGS, &req), 0);
	close(s);
	*ret_tun = tun;
	return if_nametoindex(req.ifr_name);
}

static void open_chain(struct chain *c)
{
	c->ifindex = make_device(&c->tun);
	c->counts = bpf_map_create(BPF_MAP_TYPE_ARRAY, "usn_test", 4, 8, 2, NULL);
	assert_true(c->counts >= 0);

	const struct bpf_insn matched[] = COUNT_AT(c->counts, MATCHED);
	const struct bpf_insn behind[] = COUNT_AT(c->counts, PASSED_ON);

	c->array = program_array(matched, ARRAY_SIZE(matched));
	c->behind = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "usn_test", "Dual BSD/GPL", behind,
				  ARRAY_SIZE(behind), NULL);
	assert_true(c->behind >= 0);
}

static uint64_t count(const struct chain *c, uint32_t key)
{
	uint64_t n;

	assert_int_equal(bpf_map_lookup_elem(c->counts, &key, &n), 0);
	return n;
}

/* Whether the filter matched; in any case the program behind it must be asked. */
static bool device_verdict(const struct chain *c, const uint8_t *packet, size_t len)
{
	uint64_t matched = count(c, MATCHED), passed_on = count(c, PASSED_ON);
	time_t deadline = time(NULL) + 10;

	assert_int_equal(write(c->tun, packet, len), len);
	while (count(c, PASSED_ON) == passed_on) {
		if (time(NULL) > deadline)
			fail_msg("%zu bytes: the program behind was not asked", len);
		sched_yield();
	}
	return count(c, MATCHED) > matched;
}

/* Lengths that BPF_PROG_TEST_RUN does not take: 1 byte, and as much as a device hands over in one packet. */
static void assert_on_device(const struct chain *c, const struct filter *f, const char *expression)
{
	static uint8_t packet[65535];

	for (size_t len = 1; len <= sizeof(packet); len = len < 70 ? len + 1 : len * 11 / 10 + 1) {
		for (int v6 = 0; v6 < 2; v6++) {
			memset(packet, 1, len);
			packet[0] = v6 ? 0x60 : 0x45;
			packet[6] = packet[7] = 0;
			packet[v6 ? 6 : 9] = len % 2 ? 6 : 17;
			packet[len - 1] = len == 1 ? packet[0] : 9;
			if (device_verdict(c, packet, len) !=
			    filter_matches(f, packet, (uint32_t)len, (uint32_t)len))
				fail_msg("'%s': %zu bytes, IPv%d", expression, len, v6 ? 6 : 4);
		}
	}
}

static void on_a_device(void **state)
{
	static const char *const expressions[] = {
		"",
		"tcp port 257",
		"not udp port 257",
		"ip[0] = 0x45",
		"ip[12:4] = 0x01010101 or ip6[38:2] = 0x0101",
		"ip[len - 1] = 9",
		"ip[len - 4:4] = 0x01010109",
		"ip6[len - 4:4] = 0x01010109",
		"ip[60000:4] = 0x01010101",
		"not ip[60000:4] = 0x01010101",
		"udp[len & 0xfff] = 1",
		"len < 10",
		"greater 65000",
	};
	struct chain c;

	(void)state;
	open_chain(&c);
	for (size_t i = 0; i < ARRAY_SIZE(expressions); i++) {
		_cleanup_(filter_freep) struct filter *f = must_compile(expressions[i]);
		int fd = must_load(f, c.array);
		int link = bpf_link_create(fd, (int)c.ifindex,
					   (enum bpf_attach_type)ATTACH_TCX_INGRESS, NULL);
		int behind;

		if (link == -EINVAL)
			skip(); /* before 6.6 there is no such link */
		assert_true(link >= 0);
		behind = bpf_link_create(c.behind, (int)c.ifindex,
					 (enum bpf_attach_type)ATTACH_TCX_INGRESS, NULL);
		assert_true(behind >= 0);
		assert_on_device(&c, f, expressions[i]);
		close(behind);
		close(link);
		close(fd);
	}
	close(c.behind);
	close(c.array);
	close(c.counts);
	close(c.tun);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused),
		cmocka_unit_test(long_expression),
		cmocka_unit_test(large),
		cmocka_unit_test(classic_instructions),
		cmocka_unit_test(first_byte),
		cmocka_unit_test(unwritten_memory),
		cmocka_unit_test(not_classic),
		cmocka_unit_test(does_not_fit),
		cmocka_unit_test(refused_in_place),
		cmocka_unit_test(loops),
		cmocka_unit_test(empty_slot),
		cmocka_unit_test(cut_packets),
		cmocka_unit_test(on_a_device),
	};

	if (skipped_without_bpf(tests, ARRAY_SIZE(tests)))
		return 0;
	return cmocka_run_group_tests_name("filter", tests, make_array, close_array);
}
