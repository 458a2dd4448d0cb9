// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A device's interface comes and goes.
 *
 * One order holds on every way. When it goes, the bindings are first: new sockets of the device's
 * runs are refused before anything happens to the interface. When it comes, they are last: nothing
 * is sent before all is in place.
 */
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "usnd/agent.h"
#include "usnd/behind/queue.h"
#include "usnd/device/devconf.h"
#include "usnd/device/device.h"
#include "usnd/device/interface.h"
#include "usnd/device/route.h"
#include "usnd/os/netlink.h"
#include "usnd/os/tun.h"
#include "usnd/pins/pins.h"
#include "usnd/pins/redirects.h"
#include "usnd/presence.h"
#include "usnd/run/ambient.h"
#include "usnd/run/ruleset.h"
#include "usnd/run/run.h"

/* It goes. */

/* First on each way out: from here on new sockets are refused, whatever the interface does. */
static void refuse(struct device *d)
{
	runs_follow(d->agent, d->number, 0);
	ambient_dismiss(d);
}

/* The rules last, so that nothing that is still on its way takes another road. */
static void end_routes(struct agent *a, uint32_t number)
{
	struct usn_err e;

	route_rules_end(a->nl, number);
	/* While an agent adopts, others may only be about to be found. */
	if (a->whole && !a->n_devices) {
		route_frame(a->nl, false, &e);
		a->framed = false;
	}
}

void device_forget(struct device *d)
{
	struct agent *a = d->agent;
	uint32_t number = d->number, ruleset = d->ruleset;

	refuse(d);
	device_entry_remove(a->pins, number);
	queue_unkeep(&d->behind);
	device_free(d);
	counters_settle(a, number);
	if (!runs_use_ruleset(a, ruleset))
		ruleset_remove(a, ruleset);
	end_routes(a, number);
}

int device_down(struct device *d, struct usn_err *e)
{
	struct agent *a = d->agent;
	struct usn_err again;
	int r;

	refuse(d);
	r = d->ifindex ? netlink_delete_link(a->nl, d->ifindex) : 0;
	if (r < 0 && r != -ENODEV) {
		runs_follow(a, d->number, d->ifindex);
		ambient_admit(d, &again);
		return usn_fail_errno(e, -r, "cannot remove %s", d->name);
	}
	device_forget(d);
	return 0;
}

/* What comes with the interface goes with it. */
static void let_go(struct device *d)
{
	queue_unkeep(&d->behind);
	queue_close(&d->behind);
	d->ifindex = 0;
}

void device_gone(struct device *d)
{
	struct usn_err e;

	if (!runs_use_device(d->agent, d->number)) {
		device_forget(d);
		return;
	}
	refuse(d);
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

/* It comes. */

/* Whether this host has the address, by trying to bind it: spares a dump of all of them. */
static bool is_local(const struct prefix *p)
{
	_cleanup_close_ int fd = socket(p->family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in6 sa6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in sa4 = { .sin_family = AF_INET };

	memcpy(&sa4.sin_addr, p->addr, sizeof(sa4.sin_addr));
	memcpy(&sa6.sin6_addr, p->addr, sizeof(sa6.sin6_addr));
	if (p->family == AF_INET)
		return !bind(fd, (struct sockaddr *)&sa4, sizeof(sa4));
	return !bind(fd, (struct sockaddr *)&sa6, sizeof(sa6));
}

static int check_addresses(struct agent *a, const struct settings *s, struct usn_err *e)
{
	char text[PREFIX_TEXT_SIZE], owner[IF_NAMESIZE] = "";
	size_t i;

	for (i = 0; i < s->n_addresses; i++) {
		const struct prefix *p = &s->addresses[i];
		uint32_t ifindex;

		if (!is_local(p))
			continue;
		ifindex = netlink_who_has(a->nl, p);
		if (ifindex && if_indextoname(ifindex, owner))
			return usn_fail(
				e, EADDRINUSE,
				"the address %s is already used by %s: give another Address=",
				prefix_text(p, text), owner);
	}
	return 0;
}

int device_shield(struct agent *a, const char *device, uint32_t ifindex, struct usn_err *e)
{
	int r = devconf_set(device, e);

	if (r >= 0 && !a->redirects)
		r = redirects_open(&a->redirects, e);
	return r < 0 ? r : redirects_drop(a->redirects, ifindex, device, e);
}

int device_serve(struct device *d, struct usn_err *e)
{
	int r = device_read(d, e);

	if (r >= 0)
		device_add(d);
	return r;
}

/* Before it is up: what leads to it, and what keeps the host from learning of its rig. */
static int configure_new(struct device *d, struct usn_err *e)
{
	struct agent *a = d->agent;
	int r = a->framed ? 0 : route_frame(a->nl, true, e);

	if (r < 0)
		return r;
	a->framed = true;
	r = route_rules(a->nl, d->number, &d->settings, e);
	if (r >= 0)
		r = device_shield(a, d->name, d->ifindex, e);
	return r < 0 ? r
		     : interface_configure(a->nl, d->ifindex, d->number, &d->settings, false, e);
}

/* Until tun_keep, the last step, the interface ends with its descriptor. */
static int device_make(struct device *d, struct usn_err *e)
{
	int r = tun_create(d->name, &d->behind.queue.fd, &d->ifindex, e);

	if (r >= 0)
		r = ruleset_add(d->agent, &d->settings.except, &d->ruleset, e);
	if (r >= 0)
		r = device_enter(d, e);
	if (r >= 0)
		r = configure_new(d, e);
	if (r >= 0)
		r = ambient_admit(d, e);
	if (r >= 0)
		r = device_serve(d, e);
	if (r < 0)
		return r;
	r = tun_keep(d->behind.queue.fd);
	return r < 0 ? usn_fail_errno(e, -r, "cannot keep %s", d->name) : 0;
}

int device_up(struct agent *a, uint32_t number, const struct settings *s, struct usn_err *e)
{
	int r = check_addresses(a, s, e);
	struct device *d;

	if (r < 0)
		return r;
	d = device_new(a, number);
	if (!d)
		return usn_fail(e, ENOMEM, "out of memory");
	d->settings = *s;
	r = device_make(d, e);
	if (r < 0) {
		device_forget(d);
		return r;
	}
	runs_follow(a, number, d->ifindex);
	queue_keep(&d->behind);
	return 0;
}

/* It is back. */

/* What the settings lack, if the agent was restarted meanwhile, is as the interface has it. */
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
		r = netlink_addresses(d->agent->nl, ifindex, d->settings.addresses, ADDRESSES_MAX,
				      &d->settings.n_addresses);
	if (r < 0)
		return usn_fail_errno(e, -r, "cannot read the addresses of %s", d->name);
	r = route_rules(d->agent->nl, d->number, &d->settings, e);
	return r < 0 ? r
		     : interface_configure(d->agent->nl, ifindex, d->number, &d->settings, true, e);
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
	    interface_configure(d->agent->nl, d->ifindex, d->number, &d->settings, true, &e) < 0)
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
	if (r >= 0)
		r = device_read(d, e);
	if (r < 0)
		return r;
	runs_follow(d->agent, d->number, ifindex);
	queue_keep(&d->behind);
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
	r = tun_attach(d->name, &d->behind.queue.fd, e);
	if (r >= 0)
		r = tun_keep(d->behind.queue.fd);
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
