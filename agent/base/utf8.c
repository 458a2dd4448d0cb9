// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Characters of UTF-8. */
#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/utf8.h"

/* The table of RFC 3629, section 4: the first byte sets the length, and narrows the second byte. */
static const struct kind {
	uint8_t first, last;
	uint8_t low, high; /* of the second byte */
	uint8_t length;
} kinds[] = {
	{ 0x00, 0x7f, 0x00, 0x00, 1 }, { 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
	{ 0xe1, 0xec, 0x80, 0xbf, 3 }, { 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
	{ 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
};

static bool is_whole(const struct kind *k, const uint8_t *s, size_t n)
{
	size_t i;

	if (n < k->length)
		return false;
	if (k->length > 1 && (s[1] < k->low || s[1] > k->high))
		return false;
	for (i = 2; i < k->length; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return false;
	}
	return true;
}

size_t utf8_character(const char *text, size_t n)
{
	const uint8_t *s = (const uint8_t *)text;
	size_t i;

	for (i = 0; n && i < ARRAY_SIZE(kinds); i++) {
		if (s[0] >= kinds[i].first && s[0] <= kinds[i].last)
			return is_whole(&kinds[i], s, n) ? kinds[i].length : 0;
	}
	return 0;
}
