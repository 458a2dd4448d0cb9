/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The inner side of a tap; its outer side is <usn.h>. */
#ifndef USN_TAP_H
#define USN_TAP_H

#include <usn.h>

#define TAP_SNAPLEN_DEFAULT 65535
#define TAP_RING_DEFAULT (8u << 20)
#define TAP_RING_MIN 4096u
#define TAP_RING_MAX (1u << 30)

static inline void usn_tap_closep(struct usn_tap **t)
{
	usn_tap_close(*t);
}

#endif
