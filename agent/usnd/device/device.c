// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Devices: the object, and its place among the others. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "usnd/agent.h"
#include "usnd/behind/queue.h"
#include "usnd/device/device.h"
#include "usnd/pins/pins.h"

struct device *device_new(struct agent *a, uint32_t number)
{
	struct device *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->agent = a;
	d->number = number;
	snprintf(d->name, sizeof(d->name), "usn%u", number);
	d->behind =
		(struct behind){ .loop = &a->loop, .name = d->name, .queue.fd = -1, .rig.fd = -1 };
	return d;
}

void device_add(struct device *d)
{
	d->agent->devices[d->number] = d;
	d->agent->n_devices++;
}

struct device *device_free(struct device *d)
{
	if (!d)
		return NULL;
	if (d->agent->devices[d->number] == d) {
		d->agent->devices[d->number] = NULL;
		d->agent->n_devices--;
	}
	queue_close(&d->behind);
	free(d);
	return NULL;
}

int device_read(struct device *d, struct usn_err *e)
{
	d->behind.addresses = d->settings.addresses;
	d->behind.n_addresses = d->settings.n_addresses;
	return queue_serve(&d->behind, d->settings.peer, e);
}

struct device *device_by_ifindex(const struct agent *a, uint32_t ifindex)
{
	struct device *d;
	size_t i = 0;

	while ((d = agent_next_device(a, &i))) {
		if (ifindex && d->ifindex == ifindex)
			return d;
	}
	return NULL;
}

int device_enter(struct device *d, struct usn_err *e)
{
	struct usn_device entry = { .ifindex = d->ifindex,
				    .netns_cookie = d->agent->netns_cookie,
				    .ruleset = d->ruleset };
	int r;

	settings_store(&d->settings, &entry);
	memcpy(entry.name, d->name, sizeof(entry.name));
	r = device_entry_put(d->agent->pins, d->number, &entry);
	return r < 0 ? usn_fail_errno(e, -r, "cannot enter %s into the device map", d->name) : 0;
}
