/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The service manager that started the agent, if one did: sd_notify(3). */
#ifndef USN_NOTIFY_H
#define USN_NOTIFY_H

#include <stdbool.h>

/* Whether there is a manager that wants to be told. */
bool notify_wanted(void);

/*
 * Tells it "READY=1" and the like, a line each. A descriptor goes with it, unless fd is -1.
 * Without a manager nothing is done; below 0 is -errno.
 */
int notify_send(const char *state, int fd);

#endif
