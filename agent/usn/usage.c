// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Wrong usage, said in one way. */
#include <errno.h>
#include <getopt.h>
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

int parse_json_option(int argc, char **argv, bool *ret_json, struct usn_err *e)
{
	static const struct option longs[] = { { "json", no_argument, NULL, 'j' }, { 0 } };
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "j", longs, NULL)) != -1) {
		if (c != 'j')
			return bad_option(argv, e);
		*ret_json = true;
	}
	return 0;
}
