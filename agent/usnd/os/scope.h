/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Scopes of systemd's: where systemd is process 1, a process is moved by it and not behind its
 * back. A run is then a transient scope in usn.slice.
 */
#ifndef USN_SCOPE_H
#define USN_SCOPE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct usn_err;

#define SCOPE_NAME_SIZE 128

/* Whether systemd is process 1. */
bool scope_wanted(void);

/*
 * Has systemd move the process into a scope of its own, usn-DEVICE-COMMAND-K.scope, and waits until
 * that is done. *k is the number to try first, and then the one that was free. command may be
 * anything that somebody calls himself.
 */
int scope_start(pid_t pid, const char *device, const char *command, uint32_t *k,
		char ret_name[SCOPE_NAME_SIZE], struct usn_err *e);

#endif
