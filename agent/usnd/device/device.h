/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A device: a persistent TUN with its settings, and what is behind it. */
#ifndef USN_DEVICE_H
#define USN_DEVICE_H

#include <stdint.h>

#include <usn/abi.h>

#include "usnd/behind/behind.h"
#include "usnd/device/settings.h"

struct agent;
struct usn_err;

struct device {
	struct agent *agent;
	uint32_t number;
	char name[USN_NAME_SIZE];
	uint32_t ifindex; /* 0: the interface is gone, see presence.h */
	enum { LINK_STARTING, LINK_UP, LINK_DOWN } link; /* as the kernel's notifications say */
	struct settings settings;
	uint32_t ruleset; /* of settings.except; 0: it has no rules */
	struct behind behind;
};

struct device *device_new(struct agent *a, uint32_t number);

/* Stops serving; the device itself stays. */
struct device *device_free(struct device *d);

static inline void device_freep(struct device **d)
{
	device_free(*d);
}

/* Puts it among the agent's devices, which device_free() takes it from. */
void device_add(struct device *d);

/* Has the peer of the settings read the queue, unless there is a rig. */
int device_read(struct device *d, struct usn_err *e);

/* Writes the device's entry, from which a later agent takes it over. */
int device_enter(struct device *d, struct usn_err *e);

/* The device whose interface this is; NULL: it is no device's. */
struct device *device_by_ifindex(const struct agent *a, uint32_t ifindex);

#endif
