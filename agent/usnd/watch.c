// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The kernel's notifications about interfaces and addresses, by libmnl. */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/log.h"
#include "usnd/agent.h"
#include "usnd/device.h"
#include "usnd/netlink.h"
#include "usnd/ruleset.h"
#include "usnd/service.h"
#include "usnd/watch.h"

struct watch {
	struct agent *agent;
	struct mnl_socket *sock;
	struct source source;
	bool addresses_changed;
};

static void lost(struct device *d)
{
	struct agent *a = d->agent;

	log_line(LOG_WARNING, "%s was removed by somebody else: its runs' new sockets are refused",
		 d->name);
	device_gone(d);
	service_settle(a->service);
}

static int message(const struct nlmsghdr *h, void *arg)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(h);
	struct watch *w = arg;
	struct agent *a = w->agent;
	size_t i;

	if (h->nlmsg_type == RTM_NEWADDR || h->nlmsg_type == RTM_DELADDR) {
		w->addresses_changed = true;
		return MNL_CB_OK;
	}
	/* AF_BRIDGE: the port left a bridge, and is still there. */
	if (h->nlmsg_type != RTM_DELLINK || ifi->ifi_family != AF_UNSPEC)
		return MNL_CB_OK;
	for (i = 0; i < USN_DEVICES_MAX; i++) {
		if (a->devices[i] && a->devices[i]->ifindex == (uint32_t)ifi->ifi_index)
			lost(a->devices[i]);
	}
	return MNL_CB_OK;
}

/* Notifications were lost, so all devices are looked at. */
static void look_at_all(struct agent *a)
{
	struct link_state st;
	size_t i;

	for (i = 0; i < USN_DEVICES_MAX; i++) {
		if (a->devices[i] && netlink_link(a->nl, a->devices[i]->ifindex, &st) == -ENODEV)
			lost(a->devices[i]);
	}
}

static void watch_ready(struct source *s, uint32_t events)
{
	struct watch *w = SOURCE_OWNER(s, struct watch, source);
	char buf[16384];
	struct usn_err e;
	ssize_t n;

	(void)events;
	n = mnl_socket_recvfrom(w->sock, buf, sizeof(buf));
	if (n < 0 && errno == ENOBUFS) {
		look_at_all(w->agent);
		w->addresses_changed = true;
	}
	if (n > 0)
		mnl_cb_run(buf, (size_t)n, 0, 0, message, w);
	if (w->addresses_changed && ruleset_follow_addresses(w->agent, &e) < 0)
		log_line(LOG_ERR, "%s", e.text);
	w->addresses_changed = false;
}

int watch_open(struct agent *a, struct usn_err *e)
{
	struct watch *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return usn_fail(e, ENOMEM, "out of memory");
	a->watch = w;
	w->agent = a;
	w->source.fd = -1;
	w->source.ready = watch_ready;
	w->sock = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!w->sock ||
	    mnl_socket_bind(w->sock, RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR,
			    MNL_SOCKET_AUTOPID) < 0)
		return usn_fail_errno(e, errno, "cannot watch the interfaces");
	w->source.fd = mnl_socket_get_fd(w->sock);
	r = loop_watch(&a->loop, &w->source, EPOLLIN);
	return r < 0 ? usn_fail_errno(e, -r, "cannot watch the interfaces") : 0;
}

struct watch *watch_free(struct watch *w)
{
	if (!w)
		return NULL;
	if (w->source.fd >= 0)
		loop_forget(&w->agent->loop, &w->source);
	if (w->sock)
		mnl_socket_close(w->sock);
	free(w);
	return NULL;
}
