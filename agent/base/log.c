// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The agent's log: stderr (with the levels of sd-daemon(3) under a service manager), or syslog. */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

static bool to_syslog;

void log_to_syslog(const char *name)
{
	openlog(name, LOG_PID, LOG_DAEMON);
	to_syslog = true;
}

void log_line(int priority, const char *fmt, ...)
{
	char line[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (to_syslog)
		syslog(priority, "%s", line);
	else if (getenv("JOURNAL_STREAM"))
		fprintf(stderr, "<%d>%s\n", priority, line);
	else
		fprintf(stderr, "usnd: %s\n", line);
}
