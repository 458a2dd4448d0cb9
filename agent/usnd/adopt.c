// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Adopting what an earlier agent left. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "usnd/adopt.h"
#include "usnd/agent.h"
#include "usnd/ambient.h"
#include "usnd/device.h"
#include "usnd/netlink.h"
#include "usnd/pins.h"
#include "usnd/presence.h"
#include "usnd/queue.h"
#include "usnd/ruleset.h"
#include "usnd/run.h"
#include "usnd/store.h"

static void read_back_dns(struct device *d, const struct usn_device *entry)
{
	static const uint8_t none[sizeof(entry->dns[0])];
	struct dns *dns = &d->settings.dns;

	memcpy(dns->servers, entry->dns, sizeof(dns->servers));
	for (dns->n = 0; dns->n < USN_DNS_MAX; dns->n++) {
		if (!memcmp(entry->dns[dns->n], none, sizeof(none)))
			break;
	}
}

/* What the kernel does not know of a device. */
static int read_entry(struct device *d, const struct usn_device *entry, struct usn_err *e)
{
	d->settings.peer = entry->peer;
	d->settings.except.flags = entry->flags & (USN_BIND_LOOPBACK | USN_BIND_LOCAL);
	d->settings.ambient = entry->flags & USN_DEVICE_AMBIENT;
	d->ruleset = entry->ruleset;
	read_back_dns(d, entry);
	return ruleset_read(d->agent, d->ruleset, &d->settings.except, e);
}

/* What it does know. */
static int read_back(struct device *d, const struct usn_device *entry)
{
	struct link_state st;
	int r = entry->ifindex ? netlink_link(d->agent->nl, entry->ifindex, &st) : -ENODEV;

	if (r < 0 || strcmp(st.name, d->name) || strcmp(st.kind, "tun"))
		return r < 0 ? r : -ENODEV;
	d->ifindex = entry->ifindex;
	d->link = st.up ? LINK_UP : LINK_DOWN;
	d->settings.mtu = st.mtu;
	return netlink_addresses(d->agent->nl, entry->ifindex, &d->settings);
}

/* The interface went while there was no agent. If it has runs, one of its name may be there already. */
static int adopt_gone(struct device *d)
{
	struct usn_err e;

	device_add(d);
	device_gone(d);
	d = d->agent->devices[d->number];
	if (d)
		device_return(d, &e);
	return 0;
}

/* -ENODEV: the interface went meanwhile. */
static int adopt_device(struct agent *a, uint32_t number, const struct usn_device *entry,
			struct usn_err *e)
{
	_cleanup_(device_freep) struct device *d = device_new(a, number);
	int r;

	if (!d)
		return usn_fail(e, ENOMEM, "out of memory");
	if (entry->netns_cookie != a->netns_cookie)
		return usn_fail(
			e, EXDEV,
			"%s belongs to an agent in another network namespace: start usnd there",
			d->name);
	r = read_entry(d, entry, e);
	if (r < 0)
		return r;
	r = read_back(d, entry);
	if (r == -ENODEV)
		return adopt_gone(TAKE_PTR(d));
	if (r < 0)
		return usn_fail_errno(e, -r, "cannot read the settings of %s", d->name);
	r = queue_get(d, e);
	if (r >= 0)
		r = ambient_admit(d, e);
	if (r >= 0)
		r = device_serve(d, e);
	if (r < 0)
		return r;
	runs_follow(a, number, d->ifindex);
	/* An earlier version of the agent may have made it. */
	if (device_shield(a, d->name, d->ifindex, e) < 0)
		log_line(LOG_ERR, "%s", e->text);
	TAKE_PTR(d);
	return 0;
}

int adopt_devices(struct agent *a, struct usn_err *e)
{
	struct usn_device entry;
	uint32_t i;
	int r;

	for (i = 0; i < USN_DEVICES_MAX; i++) {
		if (device_entry_get(a->pins, i, &entry) < 0)
			continue;
		r = adopt_device(a, i, &entry, e);
		if (r < 0 && r != -ENODEV)
			return r;
	}
	store_close();
	rulesets_sweep(a);
	return ruleset_follow_addresses(a, e);
}
