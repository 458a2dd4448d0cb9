/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Devices whose interface went without us. As long as they have runs they stay on the list, gone, with their settings,
 * counters and bindings that refuse; the runs are on the device again when there is a TUN interface of its name.
 */
#ifndef USN_ABSENCE_H
#define USN_ABSENCE_H

#include <stdbool.h>

struct agent;
struct device;
struct usn_err;

/* The interface was removed, or has another name. Without runs the device is forgotten. */
void device_lost(struct device *d);

/* The devices that are gone, and have no run any more since a run has ended, are forgotten. */
void devices_settle(struct agent *a);

/*
 * Takes the interface that has the name now. -ENODEV: there is none. -EBUSY: its queue is open elsewhere,
 * which may end. Otherwise it is none of ours, and the device stays gone.
 */
int device_return(struct device *d, struct usn_err *e);

/* Addresses of IPv6 and routes go when somebody takes the interface down: they are given again when it is up. */
void device_see_state(struct device *d, bool up);

#endif
