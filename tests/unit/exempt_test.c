// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Exemptions: what is read is what is printed, and nonsense is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/exempt.h"

static void rules(void **state)
{
	static const struct {
		const char *text, *printed;
	} good[] = {
		{ "192.0.2.1", "192.0.2.1/32" },
		{ "192.0.2.77/24", "192.0.2.0/24" },
		{ "0.0.0.0/0", "0.0.0.0/0" },
		{ "tcp:192.0.2.0/24:80", "tcp:192.0.2.0/24:80-80" },
		{ "udp:192.0.2.1:1-65535", "udp:192.0.2.1/32:1-65535" },
		{ "2001:db8::1", "2001:db8::1/128" },
		{ "2001:db8::1/33", "2001:db8::/33" },
		{ "[2001:db8::1]:53", "[2001:db8::1]/128:53-53" },
		{ "tcp:[2001:db8::]/32:80-90", "tcp:[2001:db8::]/32:80-90" },
		{ "::/0", "::/0" },
		{ "x11", "x11" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct exempt x = { 0 }, again = { 0 };
		char text[EXEMPT_TEXT_SIZE];
		struct usn_err e;

		assert_int_equal(exempt_add(&x, good[i].text, &e), 0);
		assert_int_equal(x.n, 1);
		assert_string_equal(exempt_rule_text(&x.rules[0], text), good[i].printed);
		assert_int_equal(exempt_add(&again, text, &e), 0);
		assert_true(exempt_equal(&x, &again));
		/* Said twice is said once. */
		assert_int_equal(exempt_add(&x, good[i].text, &e), 0);
		assert_int_equal(x.n, 1);
	}
}

static void nonsense(void **state)
{
	static const char *const bad[] = {
		"",
		":",
		"/",
		"x",
		"X11",
		"tcp:",
		"tcp:x11",
		"sctp:192.0.2.1",
		"192.0.2",
		"192.0.2.1/",
		"192.0.2.1/33",
		"192.0.2.1/-1",
		"192.0.2.1:",
		"192.0.2.1:0",
		"192.0.2.1:65536",
		"192.0.2.1:9-8",
		"192.0.2.1:9-",
		"192.0.2.1:-9",
		"192.0.2.1:9:9",
		"[2001:db8::1",
		"[]",
		"[]:9",
		"2001:db8::/129",
		"[2001:db8::1]9",
		"192.0.2.1 ",
		" 192.0.2.1",
		"1111:2222:3333:4444:5555:6666:7777:8888:9999",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct exempt x = { 0 };
		struct usn_err e;

		if (exempt_add(&x, bad[i], &e) != -EINVAL)
			fail_msg("taken: '%s'", bad[i]);
		assert_int_equal(x.n, 0);
		assert_non_null(strstr(e.text, "is no exemption"));
	}
}

static void covers(void **state)
{
	struct exempt x = { 0 };
	struct usn_err e;

	(void)state;
	assert_int_equal(exempt_add(&x, "10.0.0.0/8", &e), 0);
	assert_int_equal(exempt_add(&x, "10.1.0.0/16:80", &e), 0);
	assert_int_equal(exempt_add(&x, "11.0.0.0/8", &e), 0);
	assert_int_equal(exempt_add(&x, "::/0", &e), 0);
	assert_true(exempt_rule_covers(&x.rules[0], &x.rules[1]));
	assert_false(exempt_rule_covers(&x.rules[1], &x.rules[0]));
	assert_false(exempt_rule_covers(&x.rules[0], &x.rules[2]));
	assert_true(exempt_rule_covers(&x.rules[3], &x.rules[0]));
	assert_true(exempt_rule_covers(&x.rules[0], &x.rules[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules),
		cmocka_unit_test(nonsense),
		cmocka_unit_test(covers),
	};

	return cmocka_run_group_tests_name("exempt", tests, NULL, NULL);
}
