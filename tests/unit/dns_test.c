// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Name servers: what is read is what is printed, and nonsense changes nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/dns.h"
#include "base/err.h"

static void lists(void **state)
{
	static const struct {
		const char *text, *printed;
	} good[] = {
		{ "192.0.2.1", "192.0.2.1" },
		{ "192.0.2.1,2001:db8::1", "192.0.2.1 2001:db8::1" },
		{ "2001:DB8:0::1,192.0.2.1", "2001:db8::1 192.0.2.1" },
		{ "192.0.2.1,192.0.2.1", "192.0.2.1" },
		{ "::ffff:192.0.2.1", "192.0.2.1" },
		{ "10.0.0.1,10.0.0.2,10.0.0.3", "10.0.0.1 10.0.0.2 10.0.0.3" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct dns d = { 0 };
		char all[200] = "", text[DNS_TEXT_SIZE];
		struct usn_err e;

		assert_int_equal(dns_parse(good[i].text, &d, &e), 0);
		for (size_t k = 0; k < d.n; k++)
			snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s", k ? " " : "",
				 dns_server_text(d.servers[k], text));
		assert_string_equal(all, good[i].printed);
	}
}

static void nonsense(void **state)
{
	static const char *const bad[] = {
		"",
		",",
		"192.0.2.1,",
		",192.0.2.1",
		"192.0.2.1 ",
		" 192.0.2.1",
		"192.0.2",
		"0.0.0.0",
		"127.0.0.1",
		"::ffff:127.0.0.1",
		"224.0.0.1",
		"255.255.255.255",
		"::",
		"::1",
		"ff02::1",
		"fe80::1",
		"fe80::1%lo",
		"none",
		"10.0.0.1,10.0.0.2,10.0.0.3,10.0.0.4",
		"2001:db8:1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct dns d = { .n = 1, .servers[0][15] = 9 }, before = d;
		struct usn_err e;

		assert_int_equal(dns_parse(bad[i], &d, &e), -EINVAL);
		assert_memory_equal(&d, &before, sizeof(d));
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists),
		cmocka_unit_test(nonsense),
	};

	return cmocka_run_group_tests_name("dns", tests, NULL, NULL);
}
