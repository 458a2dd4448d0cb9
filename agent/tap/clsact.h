/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How a tap hangs on a device where tcx is missing (before Linux 6.6): filters of the clsact qdisc.
 *
 * Those outlive their opener, so each tap has a slot with a lock that dies with it,
 * and whoever opens the next tap of the device removes the filters of slots that nobody holds.
 */
#ifndef USN_CLSACT_H
#define USN_CLSACT_H

#include <stdint.h>

#define CLSACT_SLOTS 60

struct usn_err;

struct clsact {
	uint32_t ifindex;
	uint32_t slot;
	int lock_fd; /* -1: not attached */
};

/* -EUSERS: all slots are taken. */
int clsact_attach(struct clsact *c, uint32_t ifindex, int in_prog_fd, int out_prog_fd,
		  struct usn_err *e);
void clsact_detach(struct clsact *c);

#endif
