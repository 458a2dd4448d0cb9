/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A device's interface comes and goes: we make and remove it, or somebody else does behind our
 * back.
 *
 * A device whose interface went without us stays on the list, gone, as long as it has runs, with
 * its settings, counters and bindings that refuse; the runs are on the device again when there is a
 * TUN interface of its name.
 */
#ifndef USN_PRESENCE_H
#define USN_PRESENCE_H

#include <stdbool.h>
#include <stdint.h>

struct agent;
struct device;
struct settings;
struct usn_err;

/* Makes a device. What fails leaves nothing. */
int device_up(struct agent *a, uint32_t number, const struct settings *s, struct usn_err *e);

/* Removes a device; its bindings refuse from here on. */
int device_down(struct device *d, struct usn_err *e);

/*
 * Drops all there is of a device but the interface, also of one that is half made. The bindings of
 * its runs refuse.
 */
void device_forget(struct device *d);

/* The interface was removed, or has another name. Without runs the device is forgotten. */
void device_gone(struct device *d);

/* The devices that are gone, and have no run any more since a run has ended, are forgotten. */
void devices_settle(struct agent *a);

/*
 * Takes the interface that has the name now. -ENODEV: there is none. -EBUSY: its queue is open
 * elsewhere, which may end. Otherwise it is none of ours, and the device stays gone.
 */
int device_return(struct device *d, struct usn_err *e);

/*
 * Addresses of IPv6 and routes go when somebody takes the interface down: they are given again when
 * it is up.
 */
void device_see_state(struct device *d, bool up);

/* Puts it among the agent's devices and starts its peer. */
int device_serve(struct device *d, struct usn_err *e);

/* Sees to it that the host learns nothing from the device's rig; before the interface is up. */
int device_shield(struct agent *a, const char *device, uint32_t ifindex, struct usn_err *e);

#endif
