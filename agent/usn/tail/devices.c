// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Devices that come and go under a capture. */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "usn/tail/devices.h"

#define REGISTRY "/sys/fs/bpf/usn/maps/devices"

static int add(struct tail_devices *d, const char *name, struct usn_tap *t, struct sink *s,
	       struct usn_err *e)
{
	struct tail_device *list = reallocarray(d->list, d->n + 1, sizeof(*list));
	uint32_t ifindex = if_nametoindex(name);
	int r;

	if (!list)
		return usn_fail(e, ENOMEM, "out of memory");
	d->list = list;
	r = usn_tap_add(t, name, e);
	if (r >= 0 && s)
		r = sink_device(s, ifindex, name, e);
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
static int add_all(struct tail_devices *d, bool say, struct usn_tap *t, struct sink *s,
		   struct usn_err *e)
{
	uint32_t key, *last = NULL;
	struct usn_device entry;
	char name[IF_NAMESIZE];
	int r;

	while (bpf_map_get_next_key(d->registry_fd, last, &key) == 0) {
		last = &key;
		if (bpf_map_lookup_elem(d->registry_fd, &key, &entry) < 0 || !entry.ifindex ||
		    has(d, entry.ifindex) || !if_indextoname(entry.ifindex, name) ||
		    strcmp(name, entry.name))
			continue;
		r = add(d, name, t, s, e);
		/* It may be gone again by now. */
		if (r < 0 && r != -ENODEV)
			return r;
		if (r >= 0 && say)
			fprintf(stderr, "usn tail: listening on %s, too\n", name);
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

static int open_registry(struct tail_devices *d, struct usn_err *e)
{
	d->registry_fd = bpf_obj_get(REGISTRY);
	if (d->registry_fd < 0)
		return usn_fail_errno(e, -d->registry_fd, "cannot open %s", REGISTRY);
	fcntl(d->registry_fd, F_SETFD, FD_CLOEXEC);
	return 0;
}

int tail_devices_open(struct tail_devices *d, char *const *names, int n, struct usn_tap *t,
		      struct sink *s, struct usn_err *e)
{
	int i, r;

	*d = (struct tail_devices){ .all = !n, .netlink_fd = -1, .registry_fd = -1 };
	/* Before the first look, so that nothing that comes after it is missed. */
	r = open_netlink(d, e);
	if (r >= 0 && d->all)
		r = open_registry(d, e);
	if (r >= 0 && d->all)
		r = add_all(d, false, t, s, e);
	for (i = 0; r >= 0 && i < n; i++)
		r = add(d, names[i], t, s, e);
	return r;
}

void tail_devices_close(struct tail_devices *d)
{
	close_fd(d->netlink_fd);
	close_fd(d->registry_fd);
	free(d->list);
}

/* An interface that was renamed is none of its name's any more, though it is still there. */
static bool is_gone(const struct tail_device *d)
{
	char name[IF_NAMESIZE];

	return !if_indextoname(d->ifindex, name) || strcmp(name, d->name);
}

static void drop_gone(struct tail_devices *d, struct usn_tap *t, const char *verb)
{
	size_t i;

	for (i = 0; i < d->n; i++) {
		struct tail_device *dev = &d->list[i];

		if (dev->gone || !is_gone(dev))
			continue;
		usn_tap_remove(t, dev->ifindex);
		if (d->all || d->n > 1)
			fprintf(stderr, "usn %s: %s was removed\n", verb, dev->name);
		dev->gone = true;
		d->n_gone++;
	}
}

int tail_devices_follow(struct tail_devices *d, struct usn_tap *t, struct sink *s,
			struct usn_err *e)
{
	char buf[8192];

	/* What they say does not matter, nor whether some were lost: all is looked at. */
	while (recv(d->netlink_fd, buf, sizeof(buf), 0) > 0 || errno == ENOBUFS)
		;
	drop_gone(d, t, s ? "tail" : "record");
	if (d->all)
		return add_all(d, true, t, s, e);
	return d->n_gone < d->n ? 0 : usn_fail(e, ENODEV, "%s was removed", d->list[d->n - 1].name);
}
