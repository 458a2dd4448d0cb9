/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A tap for those who may not load programs: the agent opens it. */
#ifndef USN_BORROW_H
#define USN_BORROW_H

struct usn_err;
struct usn_tap;
struct usn_tap_options;

/*
 * As usn_tap_open() without a device; the n devices are those that it is meant for.
 * The cgroup of the options is a run's name.
 */
int borrow_tap(char *const *devices, int n, const struct usn_tap_options *o, struct usn_tap **ret,
	       struct usn_err *e);

#endif
