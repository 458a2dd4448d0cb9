/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The devices of a capture: those that were named, or all, also those that come up later. */
#ifndef USN_TAIL_DEVICES_H
#define USN_TAIL_DEVICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <usn.h>

#include "capture/sink.h"

struct tail_device {
	uint32_t ifindex;
	bool gone; /* its counts are still to be told at the end */
	char name[USN_NAME_SIZE];
};

struct tail_devices {
	const char *verb;    /* who says what came and went: "tail" */
	struct usn_tap *tap; /* on each of them */
	struct sink *sink;   /* is told of each; NULL: there is none */
	bool all;
	int netlink_fd;  /* readable when an interface came, went or changed */
	int registry_fd; /* the agent's map of devices, for "all" */
	struct tail_device *list;
	size_t n, n_gone;
};

#define TAIL_DEVICES_NONE                           \
	{                                           \
		.netlink_fd = -1, .registry_fd = -1 \
	}

/* The verb, the tap and the sink are set already. names: n of them, 0: all. */
int tail_devices_open(struct tail_devices *d, char *const *names, int n, struct usn_err *e);
void tail_devices_close(struct tail_devices *d);

/*
 * After netlink_fd was readable. Says on standard error what came and went. -ENODEV: the last one
 * that was named is gone.
 */
int tail_devices_follow(struct tail_devices *d, struct usn_err *e);

#endif
