/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The inner side of a tap; its outer side is <usn.h>. */
#ifndef USN_TAP_H
#define USN_TAP_H

#include <usn.h>

#define TAP_SNAPLEN_DEFAULT 65535
#define TAP_RING_DEFAULT (8u << 20)
#define TAP_RING_MIN 4096u
#define TAP_RING_MAX (1u << 30)

/* -EINVAL, with what is wrong. */
int tap_check_options(const struct usn_tap_options *o, struct usn_err *e);

/* Another process, which loads and attaches programs for those who may not. */
struct tap_lender {
	/*
	 * The links of a device more; -1: none in that direction,
	 * or the lender keeps it. 0 or -errno.
	 */
	int (*add)(void *lender, const char *device, int *ret_in_fd, int *ret_out_fd,
		   struct usn_err *e);
	void (*close)(void *lender);
};

/*
 * A tap of a lender's, which is closed with it:
 * its programs' constants (TAP_CONSTANTS) and maps (taken).
 */
int tap_borrow(const uint64_t constants[], int ring_fd, int bell_fd, int stages_fd,
	       const struct tap_lender *how, void *lender, struct usn_tap **ret, struct usn_err *e);

static inline void usn_tap_closep(struct usn_tap **t)
{
	usn_tap_close(*t);
}

#endif
