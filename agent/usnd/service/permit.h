/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who may do what. Root may do all. Others may run on, look at, and be the rig of the devices whose
 * files name them (User=, Group=, see usn.conf(5)); the file is read each time, so that it alone
 * decides.
 */
#ifndef USN_PERMIT_H
#define USN_PERMIT_H

#include <stdbool.h>
#include <stdint.h>

struct caller;
struct usn_err;

/* 0, or -EPERM with the file and the line that would allow it. */
int permit_device(const struct caller *c, uint32_t number, struct usn_err *e);

/*
 * The process that connected: a pidfd (the caller's to close), even if its number was given to
 * another one since. A process of another user's than the connection's is refused.
 */
int permit_pidfd(const struct caller *c, struct usn_err *e);

#endif
