// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Devices that come and go under a capture. */
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "usn/registry.h"
#include "usn/tail/devices.h"

static int add(struct tail_devices *d, const char *name, struct usn_err *e)
{
	struct tail_device *list = reallocarray(d->list, d->n + 1, sizeof(*list));
	uint32_t ifindex = if_nametoindex(name);
	int r;

	if (!list)
		return usn_fail(e, ENOMEM, "out of memory");
	d->list = list;
	r = usn_tap_add(d->tap, name, e);
	if (r >= 0 && d->sink)
		r = sink_device(d->sink, ifindex, name, e);
	if (r < 0)
		return r;
	d->list[d->n] = (struct tail_device){ .ifindex = ifindex };
	snprintf(d->list[d->n].name, sizeof(d->list[d->n].name), "%s", name);
	d->n++;
	return 0;
}

static bool has(const struct tail_devices *d, uint32_t ifindex)
{
	size_t i;

	for (i = 0; i < d->n; i++) {
		if (d->list[i].ifindex == ifindex)
			return true;
	}
	return false;
}

/* All that the agent has a device for, and that the tap is not on yet. */
static int add_all(struct tail_devices *d, bool say, struct usn_err *e)
{
	struct registry all = { .fd = d->registry_fd };
	const struct usn_device *found;
	int r;

	while ((found = registry_next(&all))) {
		if (has(d, found->ifindex))
			continue;
		r = add(d, found->name, e);
		/* It may be gone again by now. */
		if (r < 0 && r != -ENODEV)
			return r;
		if (r >= 0 && say)
			fprintf(stderr, "usn %s: listening on %s, too\n", d->verb, found->name);
	}
	return 0;
}

static int open_netlink(struct tail_devices *d, struct usn_err *e)
{
	struct sockaddr_nl sa = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };

	d->netlink_fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (d->netlink_fd < 0 || bind(d->netlink_fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		return usn_fail_errno(e, errno, "cannot watch the interfaces");
	return 0;
}

int tail_devices_open(struct tail_devices *d, char *const *names, int n, struct usn_err *e)
{
	int i, r;

	d->all = !n;
	/* Before the first look, so that nothing that comes after it is missed. */
	r = open_netlink(d, e);
	if (r >= 0 && d->all)
		r = registry_open(&d->registry_fd, e);
	if (r >= 0 && d->all)
		r = add_all(d, false, e);
	for (i = 0; r >= 0 && i < n; i++)
		r = add(d, names[i], e);
	return r;
}

void tail_devices_close(struct tail_devices *d)
{
	close_fd(d->netlink_fd);
	close_fd(d->registry_fd);
	free(d->list);
}

/* A renamed interface is gone, too: the name that was asked for is not there any more. */
static bool is_gone(const struct tail_device *d)
{
	char name[IF_NAMESIZE];

	return !if_indextoname(d->ifindex, name) || strcmp(name, d->name);
}

static void drop_gone(struct tail_devices *d)
{
	size_t i;

	for (i = 0; i < d->n; i++) {
		struct tail_device *dev = &d->list[i];

		if (dev->gone || !is_gone(dev))
			continue;
		usn_tap_remove(d->tap, dev->ifindex);
		if (d->all || d->n > 1)
			fprintf(stderr, "usn %s: %s was removed\n", d->verb, dev->name);
		dev->gone = true;
		d->n_gone++;
	}
}

int tail_devices_follow(struct tail_devices *d, struct usn_err *e)
{
	char buf[8192];

	/* What they say does not matter, nor whether some were lost: all is looked at. */
	while (recv(d->netlink_fd, buf, sizeof(buf), 0) > 0 || errno == ENOBUFS)
		;
	drop_gone(d);
	if (d->all)
		return add_all(d, true, e);
	return d->n_gone < d->n ? 0 : usn_fail(e, ENODEV, "%s was removed", d->list[d->n - 1].name);
}
