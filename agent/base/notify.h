/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a program tells the service manager that started it, by the protocol of sd_notify(3). */
#ifndef USN_NOTIFY_H
#define USN_NOTIFY_H

#include <stdbool.h>

/* Whether there is one that wants to be told. */
bool notify_wanted(void);

/*
 * state: "READY=1" and the like, by lines. fd goes with it, -1: none.
 * 0 or -errno; without a manager 0.
 */
int notify_send(const char *state, int fd);

#endif
