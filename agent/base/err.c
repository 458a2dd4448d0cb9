// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The reason of a failure. */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"

static bool is_utf8(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;

	while (*s) {
		int more = *s < 0x80   ? 0
			   : *s < 0xc2 ? -1
			   : *s < 0xe0 ? 1
			   : *s < 0xf0 ? 2
			   : *s < 0xf5 ? 3
				       : -1;

		if (more < 0)
			return false;
		for (s++; more; more--, s++) {
			if ((*s & 0xc0) != 0x80)
				return false;
		}
	}
	return true;
}

/*
 * Words of the user's are in it, perhaps cut in the middle of a character:
 * still one line that any terminal and JSON take.
 */
static void make_printable(char *text)
{
	bool utf8 = is_utf8(text);
	char *s;

	for (s = text; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c < ' ' || c == 0x7f || (c >= 0x80 && !utf8))
			*s = '?';
	}
}

void usn_err_set(struct usn_err *e, int code, const char *fmt, ...)
{
	va_list ap;

	e->code = code;
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	make_printable(e->text);
}

void usn_err_set_errno(struct usn_err *e, int code, const char *fmt, ...)
{
	size_t n;
	va_list ap;

	e->code = code;
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	n = strlen(e->text);
	snprintf(e->text + n, sizeof(e->text) - n, ": %s", strerror(code));
	make_printable(e->text);
}
