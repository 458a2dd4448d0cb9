// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The reason of a failure. */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/utf8.h"

/* A control character of one byte, or one of two: a terminal obeys either. */
static bool is_control(const char *s, size_t length)
{
	const unsigned char *c = (const unsigned char *)s;

	return length == 1 ? *c < ' ' || *c == 0x7f : length == 2 && c[0] == 0xc2 && c[1] < 0xa0;
}

/*
 * Words of the user's are in it, perhaps cut in the middle of a character: still one line that any
 * terminal and JSON take, with a question mark for each byte that they do not.
 */
static void make_printable(char *text)
{
	size_t left = strlen(text), length;

	for (; left; text += length, left -= length) {
		length = utf8_character(text, left);
		if (length && !is_control(text, length))
			continue;
		length = length ? length : 1;
		memset(text, '?', length);
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
