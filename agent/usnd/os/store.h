/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Descriptors that the service manager keeps while the agent is restarted (FDSTORE of
 * sd_notify(3)): the queues of the devices, so that what is sent meanwhile waits in them, and the
 * pidfds of the rigs. Without a manager nothing is kept, and the next agent looks for what it needs
 * itself.
 */
#ifndef USN_STORE_H
#define USN_STORE_H

#include <stdbool.h>

/* Takes over what the manager has kept, once, at start. */
void store_open(void);

/* Closes, and gives up, what nobody has taken since. */
void store_close(void);

/*
 * Whether the last agent was a service manager's, which may keep descriptors for the next one, and
 * this is not it.
 */
bool store_is_for_another(void);

/*
 * The descriptor of this name, which is the caller's from here on and stays kept; -1: there is
 * none.
 */
int store_take(const char *name);

/* Has a descriptor kept under a name, in place of the one before. */
void store_put(const char *name, int fd);
void store_remove(const char *name);

#endif
