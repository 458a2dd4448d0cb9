/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The devices there are, by the agent's own map of them. Reading the map asks no agent, and so
 * starts none.
 */
#ifndef USN_REGISTRY_H
#define USN_REGISTRY_H

#include <stdbool.h>
#include <usn/abi.h>

struct usn_err;

/* A walk through the map behind fd. Zero all but fd to begin. */
struct registry {
	int fd;
	bool begun;
	__u32 key;
	struct usn_device device;
};

/* The map's descriptor. For root alone. */
int registry_open(int *ret_fd, struct usn_err *e);

/*
 * The next device, valid until the call after. A device whose interface was removed or renamed is
 * left out. NULL: there are no more.
 */
const struct usn_device *registry_next(struct registry *r);

#endif
