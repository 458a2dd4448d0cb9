// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Numbers, device names, addresses with prefix: the whole text or nothing, in range or refused. */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/parse.h"

#define UNTOUCHED 0xdeadbeef

/* An error is one line that a terminal shows as it is, whatever was in the text. */
static void assert_one_line(const struct usn_err *e)
{
	assert_true(e->code > 0);
	assert_true(strlen(e->text) > 0);
	for (const char *c = e->text; *c; c++)
		assert_true((unsigned char)*c >= ' ' && *c != 0x7f);
}

static void numbers(void **state)
{
	static const struct {
		const char *text;
		uint32_t min, max, value;
	} good[] = {
		{ "0", 0, 0, 0 },
		{ "7", 0, UINT32_MAX, 7 },
		{ "4294967295", 0, UINT32_MAX, UINT32_MAX },
		{ "68", 68, 65535, 68 },
		{ "65535", 68, 65535, 65535 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		uint32_t v = UNTOUCHED;

		assert_int_equal(parse_u32(good[i].text, good[i].min, good[i].max, &v), 0);
		assert_int_equal(v, good[i].value);
	}
}

static void not_numbers(void **state)
{
	static const char *const bad[] = { "",    "-1",       "+1",  " 1",  "1 ", "1\n", "0x10",
					   "1.0", "1e3",      "1_0", "1,0", "a",  "1a",  "-",
					   "-0",  "\xd9\xa3", "--",  "0b1", "1-", "\t1", "1k" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		uint32_t v = UNTOUCHED;

		assert_int_equal(parse_u32(bad[i], 0, UINT32_MAX, &v), -EINVAL);
		assert_int_equal(v, UNTOUCHED);
	}
}

static void numbers_out_of_range(void **state)
{
	static const struct {
		const char *text;
		uint32_t min, max;
	} bad[] = {
		{ "67", 68, 65535 },
		{ "65536", 68, 65535 },
		{ "4294967296", 0, UINT32_MAX },
		{ "4294967364", 68, 65535 }, /* 68 modulo 2^32 */
		{ "18446744073709551616", 0, UINT32_MAX },
		{ "18446744073709551684", 68, 65535 }, /* 68 modulo 2^64 */
		{ "99999999999999999999999999999999999999999", 0, UINT32_MAX },
		{ "0", 1, 32 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		uint32_t v = UNTOUCHED;

		assert_int_equal(parse_u32(bad[i].text, bad[i].min, bad[i].max, &v), -ERANGE);
		assert_int_equal(v, UNTOUCHED);
	}
}

/* Every name there is, and that each is its own number. */
static void device_names(void **state)
{
	struct usn_err e;

	(void)state;
	for (uint32_t i = 0; i < 4096; i++) {
		char name[16];
		uint32_t n = UNTOUCHED;

		snprintf(name, sizeof(name), "usn%u", i);
		assert_int_equal(parse_device(name, &n, &e), 0);
		assert_int_equal(n, i);
	}
}

static void not_device_names(void **state)
{
	static const char *const bad[] = {
		"",
		"u",
		"us",
		"usn",
		"usn4096",
		"usn9999",
		"usn01",
		"usn00",
		"usn007",
		"usn-1",
		"usn+1",
		"usn 1",
		"usn1 ",
		" usn1",
		"usn1\n",
		"USN1",
		"Usn1",
		"usn1a",
		"usna",
		"usn1.5",
		"usn1:0",
		"usn1/2",
		"usn0x1",
		"xusn1",
		"eth0",
		"lo",
		"usnd",
		"usn4294967296",           /* 0 modulo 2^32 */
		"usn18446744073709551616", /* 0 modulo 2^64 */
		"usn99999999999999999999999999999999999999999999999999999999999999999",
		"usn%s%n",
		"../usn0",
	};
	struct usn_err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		uint32_t n = UNTOUCHED;

		assert_int_equal(parse_device(bad[i], &n, &e), -EINVAL);
		assert_int_equal(n, UNTOUCHED);
		assert_int_equal(e.code, EINVAL);
		assert_non_null(strstr(e.text, "not a device name"));
		assert_non_null(strstr(e.text, "usn4095"));
	}
}

static void good_prefixes(void **state)
{
	/* What is written back: the shortest form. */
	static const struct {
		const char *text, *normal;
		int family, len;
	} good[] = {
		{ "10.64.0.1/24", NULL, AF_INET, 24 },
		{ "1.0.0.1/1", NULL, AF_INET, 1 },
		{ "192.0.2.1/32", NULL, AF_INET, 32 },
		{ "223.255.255.255/31", NULL, AF_INET, 31 },
		{ "126.0.0.1/8", NULL, AF_INET, 8 },
		{ "128.0.0.1/8", NULL, AF_INET, 8 },
		{ "169.254.1.1/16", NULL, AF_INET, 16 },
		{ "fd75:736e::1/64", NULL, AF_INET6, 64 },
		{ "2001:db8::1/128", NULL, AF_INET6, 128 },
		{ "2001:db8::1/1", NULL, AF_INET6, 1 },
		{ "2001:DB8:0:0:0:0:0:1/64", "2001:db8::1/64", AF_INET6, 64 },
		{ "fe80::1/64", NULL, AF_INET6, 64 },
		{ "::2/127", NULL, AF_INET6, 127 },
		{ "1111:2222:3333:4444:5555:6666:7777:8888/100", NULL, AF_INET6, 100 },
		{ "64:ff9b::192.0.2.33/96", "64:ff9b::c000:221/96", AF_INET6, 96 },
	};
	char buf[PREFIX_TEXT_SIZE];
	struct usn_err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		const char *normal = good[i].normal ? good[i].normal : good[i].text;
		struct prefix p, again;

		assert_int_equal(parse_prefix(good[i].text, &p, &e), 0);
		assert_int_equal(p.family, good[i].family);
		assert_int_equal(p.len, good[i].len);
		assert_ptr_equal(prefix_text(&p, buf), buf);
		assert_string_equal(buf, normal);
		assert_int_equal(parse_prefix(buf, &again, &e), 0);
		assert_true(prefix_equal(&p, &again));
	}
}

static void bad_prefixes(void **state)
{
	/* And the piece of the reason that a person needs. */
	static const struct {
		const char *text, *says;
	} bad[] = {
		{ "", "no prefix length" },
		{ "10.64.0.1", "no prefix length" },
		{ "fd00::1", "no prefix length" },
		{ "/", "not an IPv4 or IPv6 address" },
		{ "/24", "not an IPv4 or IPv6 address" },
		{ "10.64.0/24", "not an IPv4 or IPv6 address" },
		{ "10.64.0.1.1/24", "not an IPv4 or IPv6 address" },
		{ "10.64.0.256/24", "not an IPv4 or IPv6 address" },
		{ "10.64.0.-1/24", "not an IPv4 or IPv6 address" },
		{ "010.64.0.1/24", "not an IPv4 or IPv6 address" },
		{ " 10.64.0.1/24", "not an IPv4 or IPv6 address" },
		{ "10.64.0.1 /24", "not an IPv4 or IPv6 address" },
		{ "0x0a.64.0.1/24", "not an IPv4 or IPv6 address" },
		{ "175112193/24", "not an IPv4 or IPv6 address" },
		{ "localhost/24", "not an IPv4 or IPv6 address" },
		{ "fd00:::1/64", "not an IPv4 or IPv6 address" },
		{ "fd00::1::2/64", "not an IPv4 or IPv6 address" },
		{ "fd00::12345/64", "not an IPv4 or IPv6 address" },
		{ "1:2:3:4:5:6:7/64", "not an IPv4 or IPv6 address" },
		{ "1:2:3:4:5:6:7:8:9/64", "not an IPv4 or IPv6 address" },
		{ "[fd00::1]/64", "not an IPv4 or IPv6 address" },
		{ "fe80::1%lo/64", "not an IPv4 or IPv6 address" },
		{ "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb/64",
		  "not an IPv4 or IPv6 address" },
		{ "10.64.0.1/", "from 1 to 32" },
		{ "10.64.0.1/0", "from 1 to 32" },
		{ "10.64.0.1/33", "from 1 to 32" },
		{ "10.64.0.1/256", "from 1 to 32" },
		{ "10.64.0.1/-1", "from 1 to 32" },
		{ "10.64.0.1/ 24", "from 1 to 32" },
		{ "10.64.0.1/24 ", "from 1 to 32" },
		{ "10.64.0.1/24/24", "from 1 to 32" },
		{ "10.64.0.1/255.255.255.0", "from 1 to 32" },
		{ "10.64.0.1/4294967320", "from 1 to 32" }, /* 24 modulo 2^32 */
		{ "fd00::1/0", "from 1 to 128" },
		{ "fd00::1/129", "from 1 to 128" },
		{ "fd00::1/", "from 1 to 128" },
		{ "0.0.0.0/8", "cannot be the address of a device" },
		{ "0.1.2.3/8", "cannot be the address of a device" },
		{ "127.0.0.1/8", "cannot be the address of a device" },
		{ "127.255.255.254/8", "cannot be the address of a device" },
		{ "224.0.0.1/24", "cannot be the address of a device" },
		{ "240.0.0.1/24", "cannot be the address of a device" },
		{ "255.255.255.255/24", "cannot be the address of a device" },
		{ "::/64", "cannot be the address of a device" },
		{ "::1/128", "cannot be the address of a device" },
		{ "ff02::1/64", "cannot be the address of a device" },
		{ "::ffff:10.64.0.1/120", "cannot be the address of a device" },
	};
	struct usn_err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct prefix p = { .len = 99 };

		assert_int_equal(parse_prefix(bad[i].text, &p, &e), -EINVAL);
		if (!strstr(e.text, bad[i].says))
			fail_msg("'%s' says: %s", bad[i].text, e.text);
		assert_int_equal(p.len, 99);
		assert_one_line(&e);
	}
}

/* The texts of the errors hold what was given, which may be anything. */
static void errors_are_one_line(void **state)
{
	static const char *const bad[] = { "usn1\nusn2", "\x1b[31musn0", "usn\r0", "a\tb", "\x7f" };
	char text[64];
	struct usn_err e;
	struct prefix p;
	uint32_t n;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(parse_device(bad[i], &n, &e), -EINVAL);
		assert_one_line(&e);
		assert_int_equal(parse_prefix(bad[i], &p, &e), -EINVAL);
		assert_one_line(&e);
		snprintf(text, sizeof(text), "%s/24", bad[i]);
		assert_int_equal(parse_prefix(text, &p, &e), -EINVAL);
		assert_one_line(&e);
	}
}

/* However long the text is, the reason fits and is ended. */
static void long_texts(void **state)
{
	char text[5000];
	struct usn_err e;
	struct prefix p;
	uint32_t n;

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(parse_device(text, &n, &e), -EINVAL);
	assert_one_line(&e);
	assert_int_equal(parse_prefix(text, &p, &e), -EINVAL);
	assert_one_line(&e);
	text[4000] = '/';
	assert_int_equal(parse_prefix(text, &p, &e), -EINVAL);
	assert_one_line(&e);
}

static struct prefix prefix_of(const char *text)
{
	struct usn_err e;
	struct prefix p;

	assert_int_equal(parse_prefix(text, &p, &e), 0);
	return p;
}

static bool contains(const char *prefix, const char *address)
{
	struct prefix p = prefix_of(prefix);
	uint8_t addr[16];

	assert_int_equal(inet_pton(p.family, address, addr), 1);
	return prefix_contains(&p, addr);
}

static void networks(void **state)
{
	(void)state;
	assert_true(contains("10.64.0.1/24", "10.64.0.0"));
	assert_true(contains("10.64.0.1/24", "10.64.0.255"));
	assert_false(contains("10.64.0.1/24", "10.64.1.0"));
	assert_false(contains("10.64.0.1/24", "10.63.255.255"));
	assert_true(contains("10.64.0.1/32", "10.64.0.1"));
	assert_false(contains("10.64.0.1/32", "10.64.0.0"));
	assert_true(contains("10.64.0.2/31", "10.64.0.3"));
	assert_false(contains("10.64.0.2/31", "10.64.0.1"));
	assert_true(contains("100.0.0.1/1", "0.0.0.0"));
	assert_true(contains("100.0.0.1/1", "127.255.255.255"));
	assert_false(contains("100.0.0.1/1", "128.0.0.0"));
	assert_true(contains("10.0.0.1/7", "11.255.255.255"));
	assert_false(contains("10.0.0.1/7", "12.0.0.0"));
	assert_true(contains("10.0.0.1/9", "10.127.255.255"));
	assert_false(contains("10.0.0.1/9", "10.128.0.0"));
	assert_true(contains("fd00::1/64", "fd00::ffff:ffff:ffff:ffff"));
	assert_false(contains("fd00::1/64", "fd00:0:0:1::"));
	assert_true(contains("fd00::1/63", "fd00:0:0:1::"));
	assert_false(contains("fd00::1/63", "fd00:0:0:2::"));
	assert_true(contains("fd00::2/127", "fd00::3"));
	assert_false(contains("fd00::2/127", "fd00::1"));
	assert_true(contains("fd00::1/128", "fd00::1"));
	assert_false(contains("fd00::1/128", "fd00::"));
	assert_true(contains("fd00::1/1", "8000::"));
	assert_false(contains("fd00::1/1", "7fff::"));
}

static void equality(void **state)
{
	struct prefix a = prefix_of("10.64.0.1/24"), b = a;

	(void)state;
	assert_true(prefix_equal(&a, &b));
	/* What lies behind the four bytes of a v4 address says nothing. */
	memset(b.addr + 4, 0xff, 12);
	assert_true(prefix_equal(&a, &b));
	b = prefix_of("10.64.0.1/25");
	assert_false(prefix_equal(&a, &b));
	b = prefix_of("10.64.0.2/24");
	assert_false(prefix_equal(&a, &b));
	a = prefix_of("fd00::1/64");
	b = prefix_of("fd00::2/64");
	assert_false(prefix_equal(&a, &b));
	b = prefix_of("a40:1::/24"); /* begins with the bytes of 10.64.0.1 */
	a = prefix_of("10.64.0.1/24");
	assert_false(prefix_equal(&a, &b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),
		cmocka_unit_test(not_numbers),
		cmocka_unit_test(numbers_out_of_range),
		cmocka_unit_test(device_names),
		cmocka_unit_test(not_device_names),
		cmocka_unit_test(good_prefixes),
		cmocka_unit_test(bad_prefixes),
		cmocka_unit_test(errors_are_one_line),
		cmocka_unit_test(long_texts),
		cmocka_unit_test(networks),
		cmocka_unit_test(equality),
	};

	return cmocka_run_group_tests_name("parse", tests, NULL, NULL);
}
