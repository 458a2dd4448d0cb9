// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Devices: up, down, adopted, lent. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <netinet/in.h>

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
#include "usnd/pins.h"
#include "usnd/queue.h"
#include "usnd/redirects.h"
#include "usnd/route.h"
#include "usnd/ruleset.h"
#include "usnd/run.h"
#include "usnd/tun.h"

static void device_freep(struct device **d)
{
	device_free(*d);
}

static struct device *device_new(struct agent *a, uint32_t number)
{
	struct device *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->agent = a;
	d->number = number;
	d->queue.fd = -1;
	d->rig.fd = -1;
	snprintf(d->name, sizeof(d->name), "usn%u", number);
	return d;
}

static void add(struct device *d)
{
	d->agent->devices[d->number] = d;
	d->agent->n_devices++;
}

/* Puts it among the agent's devices and starts its peer. */
static int device_serve(struct device *d, struct usn_err *e)
{
	int r = d->rig.fd >= 0 ? 0 : peer_start(d);

	if (r < 0)
		return usn_fail_errno(e, -r, "cannot read %s", d->name);
	add(d);
	return 0;
}

struct device *device_free(struct device *d)
{
	if (!d)
		return NULL;
	if (d->agent->devices[d->number] == d) {
		d->agent->devices[d->number] = NULL;
		d->agent->n_devices--;
	}
	peer_stop(d);
	loop_forget(&d->agent->loop, &d->rig);
	close_fd(d->queue.fd);
	close_fd(d->rig.fd);
	free(d);
	return NULL;
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

/* Whether this host has the address, by trying to bind it: one dump of all addresses less per device. */
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

int device_enter(struct device *d, struct usn_err *e)
{
	struct usn_device entry = { .ifindex = d->ifindex,
				    .peer = d->settings.peer,
				    .netns_cookie = d->agent->netns_cookie,
				    .flags = d->settings.except.flags |
					     (d->settings.dns.n ? USN_BIND_DNS : 0) |
					     (d->settings.ambient ? USN_DEVICE_AMBIENT : 0),
				    .ruleset = d->ruleset };
	int r;

	memcpy(entry.dns, d->settings.dns.servers, sizeof(entry.dns));
	memcpy(entry.name, d->name, sizeof(entry.name));
	r = device_entry_put(d->agent->pins, d->number, &entry);
	return r < 0 ? usn_fail_errno(e, -r, "cannot enter %s into the device map", d->name) : 0;
}

int device_shield(struct agent *a, const char *device, uint32_t ifindex, struct usn_err *e)
{
	int r = devconf_set(device, e);

	if (r >= 0 && !a->redirects)
		r = redirects_open(&a->redirects, e);
	return r < 0 ? r : redirects_drop(a->redirects, ifindex, device, e);
}

/* Until tun_keep, the last step, the interface ends with its descriptor: what fails leaves nothing. */
static int device_make(struct device *d, struct usn_err *e)
{
	struct agent *a = d->agent;
	int r;

	r = tun_create(d->name, &d->queue.fd, &d->ifindex, e);
	if (r < 0)
		return r;
	r = ruleset_add(a, &d->settings.except, &d->ruleset, e);
	if (r >= 0)
		r = device_enter(d, e);
	if (r < 0)
		return r;
	r = a->framed ? 0 : route_frame(a->nl, true, e);
	if (r < 0)
		return r;
	a->framed = true;
	r = route_rules(a->nl, d->number, &d->settings, e);
	if (r >= 0)
		r = device_shield(a, d->name, d->ifindex, e);
	if (r < 0)
		return r;
	r = netlink_configure(a->nl, d->ifindex, d->number, &d->settings, false, e);
	if (r < 0)
		return r;
	r = tun_keep(d->queue.fd);
	return r < 0 ? usn_fail_errno(e, -r, "cannot keep %s", d->name) : 0;
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

int device_up(struct agent *a, uint32_t number, const struct settings *s, struct usn_err *e)
{
	_cleanup_(device_freep) struct device *d = device_new(a, number);
	int r;

	if (!d)
		return usn_fail(e, ENOMEM, "out of memory");
	d->settings = *s;
	r = check_addresses(a, s, e);
	if (r < 0)
		return r;
	r = device_make(d, e);
	if (r >= 0)
		r = ambient_admit(d, e);
	if (r >= 0)
		r = device_serve(d, e);
	if (r < 0) {
		ambient_dismiss(d);
		if (d->ifindex)
			device_entry_remove(a->pins, number);
		counters_settle(a, number);
		ruleset_remove(a, d->ruleset);
		end_routes(a, number);
		return r;
	}
	runs_follow(a, number, d->ifindex);
	queue_keep(d);
	TAKE_PTR(d);
	return 0;
}

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
	struct agent *a = d->agent;
	uint32_t number = d->number;
	struct usn_err e;

	add(d);
	/* Without runs it is forgotten, and freed. */
	device_lost(d);
	d = a->devices[number];
	if (d)
		device_return(d, &e);
	return 0;
}

int device_adopt(struct agent *a, uint32_t number, const struct usn_device *entry,
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

/* Bindings first: from here on their new sockets are refused, whatever happens to the interface. */
void device_forget(struct device *d)
{
	struct agent *a = d->agent;
	uint32_t number = d->number, ruleset = d->ruleset;

	runs_follow(a, number, 0);
	ambient_dismiss(d);
	device_entry_remove(a->pins, number);
	queue_unkeep(d);
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

	runs_follow(a, d->number, 0);
	ambient_dismiss(d);
	r = d->ifindex ? netlink_delete_link(a->nl, d->ifindex) : 0;
	if (r < 0 && r != -ENODEV) {
		runs_follow(a, d->number, d->ifindex);
		ambient_admit(d, &again);
		return usn_fail_errno(e, -r, "cannot remove %s", d->name);
	}
	device_forget(d);
	return 0;
}
