/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A capture for Wireshark: usn tail, into its FIFO. */
#ifndef USN_EXTCAP_CAPTURE_H
#define USN_EXTCAP_CAPTURE_H

struct extcap_options;
struct usn_err;

/* Until a signal, or until Wireshark has closed the FIFO. -EINVAL: an option's value is wrong. */
int capture_run(const struct extcap_options *o, struct usn_err *e);

#endif
