/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * There is no database: what an earlier agent left is read back from the kernel. What that does not
 * know of a device stands in its entry in the map devices.
 */
#ifndef USN_ADOPT_H
#define USN_ADOPT_H

struct agent;
struct usn_err;

/* Runs, ambient mode and devices. What no later agent could use is removed. */
int adopt(struct agent *a, struct usn_err *e);

#endif
