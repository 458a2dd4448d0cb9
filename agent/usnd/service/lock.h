/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The lock that only one agent has. */
#ifndef USN_LOCK_H
#define USN_LOCK_H

#define USN_RUN_DIR "/run/usn"

struct usn_err;

/*
 * The agent's from here on, until the descriptor is closed. An agent that was started on demand
 * gives way to one that a service manager starts. -EALREADY: another answers, and stays.
 */
int lock_take(int *ret_fd, struct usn_err *e);

#endif
