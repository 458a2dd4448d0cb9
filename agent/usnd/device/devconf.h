/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The kernel's settings of an interface (/proc/sys/net/ipv[46]/conf) that netlink does not know. */
#ifndef USN_DEVCONF_H
#define USN_DEVCONF_H

struct usn_err;

/*
 * To be called before the interface is up. What the kernel lacks, IPv6 for one, is passed over. 0
 * or -errno.
 */
int devconf_set(const char *device, struct usn_err *e);

#endif
