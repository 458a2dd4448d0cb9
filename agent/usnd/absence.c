// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Devices whose interface is gone or down, and its return. */
#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "usnd/absence.h"
#include "usnd/agent.h"
#include "usnd/ambient.h"
#include "usnd/devconf.h"
#include "usnd/device.h"
#include "usnd/netlink.h"
#include "usnd/peer.h"
#include "usnd/queue.h"
#include "usnd/route.h"
#include "usnd/run.h"
#include "usnd/tun.h"

static void let_go(struct device *d)
{
	peer_stop(d);
	queue_unkeep(d);
	loop_forget(&d->agent->loop, &d->rig);
	d->queue.fd = close_fd(d->queue.fd);
	d->rig.fd = close_fd(d->rig.fd);
	d->ifindex = 0;
}

/* Bindings first: from here on their new sockets are refused, whatever happens to the interface. */
void device_lost(struct device *d)
{
	struct usn_err e;

	runs_follow(d->agent, d->number, 0);
	ambient_dismiss(d);
	if (!runs_use_device(d->agent, d->number)) {
		device_forget(d);
		return;
	}
	let_go(d);
	device_enter(d, &e);
}

void devices_settle(struct agent *a)
{
	struct device *d;
	size_t i = 0;

	if (!a->run_ended)
		return;
	a->run_ended = false;
	while ((d = agent_next_device(a, &i))) {
		if (!d->ifindex && !runs_use_device(a, d->number))
			device_forget(d);
	}
}

/* What is missing in the settings, after a restart of the agent meanwhile, is as the interface has it. */
static int configure(struct device *d, uint32_t ifindex, const struct link_state *st,
		     struct usn_err *e)
{
	/* First: whoever has made the interface may have taken it up, too. */
	int r = device_shield(d->agent, d->name, ifindex, e);

	if (r < 0)
		return r;
	if (!d->settings.mtu)
		d->settings.mtu = st->mtu;
	if (!d->settings.n_addresses)
		r = netlink_addresses(d->agent->nl, ifindex, &d->settings);
	if (r < 0)
		return usn_fail_errno(e, -r, "cannot read the addresses of %s", d->name);
	r = route_rules(d->agent->nl, d->number, &d->settings, e);
	return r < 0 ? r
		     : netlink_configure(d->agent->nl, ifindex, d->number, &d->settings, true, e);
}

/* The first notifications of a new device are of the time before we took it up. */
void device_see_state(struct device *d, bool up)
{
	bool again = up && d->link == LINK_DOWN;
	struct usn_err e;

	if (up || d->link != LINK_STARTING)
		d->link = up ? LINK_UP : LINK_DOWN;
	/* With an MTU that IPv6 can do again, the kernel has begun with its default settings. */
	if (up && devconf_set(d->name, &e) < 0)
		log_line(LOG_ERR, "%s", e.text);
	if (again &&
	    netlink_configure(d->agent->nl, d->ifindex, d->number, &d->settings, true, &e) < 0)
		log_line(LOG_WARNING, "%s is up again, but not as it was: %s", d->name, e.text);
}

/* The bindings last: nothing is sent before all is in place. */
static int serve_again(struct device *d, uint32_t ifindex, struct usn_err *e)
{
	int r;

	d->ifindex = ifindex;
	d->link = LINK_STARTING;
	r = device_enter(d, e);
	if (r >= 0)
		r = ambient_admit(d, e);
	if (r < 0)
		return r;
	r = peer_start(d);
	if (r < 0)
		return usn_fail_errno(e, -r, "cannot read %s", d->name);
	runs_follow(d->agent, d->number, ifindex);
	queue_keep(d);
	return 0;
}

int device_return(struct device *d, struct usn_err *e)
{
	uint32_t ifindex = if_nametoindex(d->name);
	struct link_state st;
	int r;

	if (!ifindex || netlink_link(d->agent->nl, ifindex, &st) < 0)
		return usn_fail(e, ENODEV, "there is no %s", d->name);
	if (strcmp(st.kind, "tun"))
		return usn_fail(e, EEXIST, "%s is no TUN interface", d->name);
	r = tun_attach(d->name, &d->queue.fd, e);
	if (r >= 0)
		r = tun_keep(d->queue.fd);
	if (r < 0)
		return r;
	r = configure(d, ifindex, &st, e);
	if (r >= 0)
		r = serve_again(d, ifindex, e);
	if (r < 0) {
		ambient_dismiss(d);
		let_go(d);
	}
	return r;
}
