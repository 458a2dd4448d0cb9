// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The names of a capture's files: the option -w, the time by -G, and a number by -C. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "base/clock.h"
#include "capture/capture_name.h"
#include "capture/capture_options.h"

#define NUMBER_MAX 10 /* digits of a count */

/*
 * Digits of the last number of a ring, so that the names sort. A ring of one file has no numbers.
 */
static int digits(const struct capture_file_options *o)
{
	uint32_t last = o->rotate_files && o->rotate_bytes ? o->rotate_files - 1 : 0;
	int n = 0;

	for (; last; last /= 10)
		n++;
	return n;
}

int capture_name(const struct capture_file_options *o, uint64_t when_ns, uint32_t count,
		 char ret[PATH_MAX], struct usn_err *e)
{
	time_t when = (time_t)(when_ns / NS_PER_S);
	size_t n = strlen(o->path), room = PATH_MAX - NUMBER_MAX;
	struct tm tm = { 0 };

	localtime_r(&when, &tm);
	/* 0 stands for a text that has no room, and for an empty one, which is no name either. */
	if (o->rotate_seconds)
		n = strftime(ret, room, o->path, &tm);
	else if (n < room)
		memcpy(ret, o->path, n + 1);
	if (!n || n >= room)
		return usn_fail(e, ENAMETOOLONG, "%.60s gives no file name, or one too long",
				o->path);
	if (count || digits(o))
		snprintf(ret + n, PATH_MAX - n, "%0*u", digits(o), count);
	return 0;
}
