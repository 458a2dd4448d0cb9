// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Wrong usage, said in one way. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/err.h"
#include "base/parse.h"
#include "usn/verb.h"

int usage_error(struct usn_err *e, const char *fmt, ...)
{
	char text[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return usn_fail(e, EINVAL, "%s: see --help", text);
}

int bad_option(char **argv, struct usn_err *e)
{
	return usage_error(e, "wrong option '%s', or its value is missing", wrong_option(argv));
}
