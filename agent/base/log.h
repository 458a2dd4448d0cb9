/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the agent tells whoever runs it:
 * lines on stderr, or in the system's log once it is a daemon.
 */
#ifndef USN_LOG_H
#define USN_LOG_H

#include <syslog.h>

void log_to_syslog(const char *name);

/* priority is one of syslog(3): LOG_ERR, LOG_WARNING, LOG_INFO. */
void log_line(int priority, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
