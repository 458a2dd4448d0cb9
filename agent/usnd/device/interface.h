/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The interface of a device, as the device's settings have it. */
#ifndef USN_INTERFACE_H
#define USN_INTERFACE_H

#include <stdbool.h>
#include <stdint.h>

struct netlink;
struct settings;
struct usn_err;

/*
 * Gives a device all that the settings say, and takes it up. One request, one system call. again:
 * what is so already is no error.
 */
int interface_configure(struct netlink *nl, uint32_t ifindex, uint32_t number,
			const struct settings *s, bool again, struct usn_err *e);

#endif
