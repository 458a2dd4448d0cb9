/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The inner side of a tap; its outer side is <usn.h>. */
#ifndef USN_TAP_H
#define USN_TAP_H

#include <tap_constants.h>
#include <usn.h>

#define TAP_SNAPLEN_DEFAULT 65535
#define TAP_RING_DEFAULT (8u << 20)
#define TAP_RING_MIN 4096u
#define TAP_RING_MAX (1u << 30)

/* -EINVAL, with what is wrong. */
int tap_check_options(const struct usn_tap_options *o, struct usn_err *e);

/* Another process, which loads and attaches programs for those who may not. */
struct tap_lender {
	/* The links of a device more. -1: none is in that direction, or the lender keeps it. */
	int (*add)(void *lender, const char *device, int *ret_in_fd, int *ret_out_fd,
		   struct usn_err *e);
	void (*close)(void *lender);
};

/* What a lender gives: the constants of its programs, its maps, and itself. */
struct tap_loan {
	uint64_t constants[TAP_CONSTANTS];
	int ring_fd, bell_fd, stages_fd; /* -1: not there yet */
	const struct tap_lender *how;
	void *lender;
};

/* A tap of that loan. Its maps and its lender are taken, and closed with the tap or on failure. */
int tap_borrow(const struct tap_loan *l, struct usn_tap **ret, struct usn_err *e);

static inline void usn_tap_closep(struct usn_tap **t)
{
	usn_tap_close(*t);
}

#endif
