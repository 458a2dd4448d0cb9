// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* UTF-8: every character, and nothing that only looks like one; texts of failures are printable. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/utf8.h"

/* The form of RFC 3629, section 3. */
static size_t encode(uint32_t c, char s[4])
{
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4, i;

	for (i = n - 1; i; i--, c >>= 6)
		s[i] = (char)(0x80 | (c & 0x3f));
	s[0] = (char)(n == 1 ? c : (0xf00U >> n & 0xff) | c);
	return n;
}

static void characters(void **state)
{
	char s[4];
	uint32_t c;
	size_t n, cut;

	(void)state;
	for (c = 0; c < 0x110000; c++) {
		bool is_half = c >= 0xd800 && c < 0xe000;

		n = encode(c, s);
		assert_int_equal(utf8_character(s, 4), is_half ? 0 : n);
		for (cut = 0; cut < n; cut++)
			assert_int_equal(utf8_character(s, cut), 0);
	}
}

static bool json_takes(const char *s, size_t n)
{
	json_t *text = json_stringn(s, n);

	json_decref(text);
	return text;
}

/* All first bytes, and behind them the limits of each range of the RFC. */
static void same_as_json(void **state)
{
	static const uint8_t edges[] = { 0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f,
					 0xa0, 0xbf, 0xc0, 0xc2, 0xed, 0xff };
	size_t n = ARRAY_SIZE(edges), i, length;

	(void)state;
	for (i = 0; i < 256 * n * n * n; i++) {
		const char s[] = { (char)(i / (n * n * n)), (char)edges[i / (n * n) % n],
				   (char)edges[i / n % n], (char)edges[i % n] };

		length = utf8_character(s, 4);
		assert_true(!length || json_takes(s, length));
		for (; !length && length < 4; length++)
			assert_false(json_takes(s, length + 1));
	}
}

/* The first byte of what is no character becomes a question mark, the rest is looked at again. */
static void reasons(void **state)
{
	static const char *const cases[][2] = {
		{ "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
		  "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80" },
		{ "caf\xc3\xa9 \xff", "caf\xc3\xa9 ?" },
		{ "caf\xc3", "caf?" },
		{ "\xc0\xaf", "??" },           /* too long a form */
		{ "\xe0\x80\xaf", "???" },      /* likewise */
		{ "\xed\xa0\x80", "???" },      /* a half of a pair */
		{ "\xf4\x90\x80\x80", "????" }, /* beyond the last character */
		{ "a\tb\nc\x1b[1m\x7f", "a?b?c?[1m?" },
		{ "\xc2\x9b"
		  "1m\xc2\xa0",
		  "??1m\xc2\xa0" }, /* what a terminal takes for ESC [ */
	};
	struct usn_err e;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(usn_fail(&e, EINVAL, "%s", cases[i][0]), -EINVAL);
		assert_string_equal(e.text, cases[i][1]);
		assert_true(json_takes(e.text, strlen(e.text)));
	}
}

/* A text that is too long is cut anywhere, and what is left of a character is none. */
static void cut(void **state)
{
	char word[sizeof(((struct usn_err *)NULL)->text)];
	struct usn_err e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(word) - 1; i++)
		word[i] = "\xe2\x82\xac"[i % 3];
	word[i] = '\0';
	for (i = 0; i < 3; i++) {
		usn_fail_errno(&e, ENOENT, "%.*s%s", (int)i, "xx", word);
		assert_true(json_takes(e.text, strlen(e.text)));
		assert_memory_equal(e.text + i, word, 300);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(characters),
		cmocka_unit_test(same_as_json),
		cmocka_unit_test(reasons),
		cmocka_unit_test(cut),
	};

	return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
