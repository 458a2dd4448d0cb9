// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The kernel's notifications about interfaces and addresses, by libmnl. */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "usnd/agent.h"
#include "usnd/device/device.h"
#include "usnd/os/netlink.h"
#include "usnd/presence.h"
#include "usnd/run/ruleset.h"
#include "usnd/watch.h"

#define RETRY_MS 50

struct watch {
	struct agent *agent;
	struct mnl_socket *sock;
	struct source source;
	struct source retry; /* timerfd: a device's name is back, and its queue is open elsewhere */
	bool links_changed;
	bool addresses_changed;
	uint32_t foreign; /* the interface that was last said to be none of ours */
};

static void gone(struct device *d, const char *name)
{
	if (name)
		log_line(LOG_WARNING, "%s was renamed to %s: its runs' new sockets are refused",
			 d->name, name);
	else
		log_line(LOG_WARNING,
			 "%s was removed by somebody else: its runs' new sockets are refused",
			 d->name);
	device_gone(d);
}

static const char *name_of(const struct nlmsghdr *h)
{
	const struct nlattr *attr;

	mnl_attr_for_each(attr, h, sizeof(struct ifinfomsg)) {
		if (mnl_attr_get_type(attr) == IFLA_IFNAME &&
		    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
			return mnl_attr_get_str(attr);
	}
	return NULL;
}

static int message(const struct nlmsghdr *h, void *arg)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(h);
	struct watch *w = arg;
	struct device *d;
	const char *name;

	if (h->nlmsg_type == RTM_NEWADDR || h->nlmsg_type == RTM_DELADDR) {
		w->addresses_changed = true;
		return MNL_CB_OK;
	}
	/* AF_BRIDGE: the port left a bridge, and is still there. */
	if (ifi->ifi_family != AF_UNSPEC)
		return MNL_CB_OK;
	w->links_changed = true;
	d = device_by_ifindex(w->agent, (uint32_t)ifi->ifi_index);
	name = h->nlmsg_type == RTM_NEWLINK ? name_of(h) : NULL;
	if (d && h->nlmsg_type == RTM_DELLINK)
		gone(d, NULL);
	else if (d && name && strcmp(name, d->name))
		gone(d, name);
	else if (d && name)
		device_see_state(d, ifi->ifi_flags & IFF_UP);
	return MNL_CB_OK;
}

/* Notifications were lost, so all devices are looked at. */
static void look_at_all(struct agent *a)
{
	struct device *d;
	size_t i = 0;

	while ((d = agent_next_device(a, &i))) {
		struct link_state st;
		int r = d->ifindex ? netlink_link(a->nl, d->ifindex, &st) : -ENOENT;

		if (r == -ENODEV)
			gone(d, NULL);
		else if (!r && strcmp(st.name, d->name))
			gone(d, st.name);
		else if (!r)
			device_see_state(d, st.up);
	}
}

static void retry_soon(struct watch *w)
{
	struct itimerspec when = { .it_value.tv_nsec = RETRY_MS * 1000000L };

	timerfd_settime(w->retry.fd, 0, &when, NULL);
}

static void try_return(struct watch *w, struct device *d)
{
	uint32_t ifindex = if_nametoindex(d->name);
	struct usn_err e;
	int r;

	if (!ifindex)
		return;
	r = device_return(d, &e);
	if (r >= 0)
		log_line(LOG_NOTICE, "%s is back: its runs are on it again", d->name);
	else if (r == -EBUSY)
		retry_soon(w);
	else if (r != -ENODEV && w->foreign != ifindex)
		log_line(LOG_WARNING, "%s is back, but not as ours: %s", d->name, e.text);
	if (r < 0 && r != -EBUSY)
		w->foreign = ifindex;
}

static void try_returns(struct watch *w)
{
	struct device *d;
	size_t i = 0;

	while ((d = agent_next_device(w->agent, &i))) {
		if (!d->ifindex)
			try_return(w, d);
	}
}

static void retry_ready(struct source *s, uint32_t events)
{
	struct watch *w = SOURCE_OWNER(s, struct watch, retry);
	uint64_t expired;

	(void)events;
	if (read(s->fd, &expired, sizeof(expired)) > 0)
		try_returns(w);
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
		w->links_changed = w->addresses_changed = true;
	}
	if (n > 0)
		mnl_cb_run(buf, (size_t)n, 0, 0, message, w);
	if (w->links_changed)
		try_returns(w);
	if (w->addresses_changed && ruleset_follow_addresses(w->agent, &e) < 0)
		log_line(LOG_ERR, "%s", e.text);
	w->links_changed = w->addresses_changed = false;
}

static int open_retry(struct watch *w)
{
	w->retry =
		(struct source){ .fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK),
				 .ready = retry_ready };
	return w->retry.fd < 0 ? -errno : loop_watch(&w->agent->loop, &w->retry, EPOLLIN);
}

int watch_open(struct agent *a, struct usn_err *e)
{
	struct watch *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return usn_fail(e, ENOMEM, "out of memory");
	a->watch = w;
	w->agent = a;
	w->source.fd = w->retry.fd = -1;
	w->source.ready = watch_ready;
	w->sock = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!w->sock ||
	    mnl_socket_bind(w->sock, RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR,
			    MNL_SOCKET_AUTOPID) < 0)
		return usn_fail_errno(e, errno, "cannot watch the interfaces");
	w->source.fd = mnl_socket_get_fd(w->sock);
	r = loop_watch(&a->loop, &w->source, EPOLLIN);
	if (r >= 0)
		r = open_retry(w);
	/* What an earlier agent has lost may be back. */
	if (r >= 0)
		retry_soon(w);
	return r < 0 ? usn_fail_errno(e, -r, "cannot watch the interfaces") : 0;
}

struct watch *watch_free(struct watch *w)
{
	if (!w)
		return NULL;
	if (w->source.fd >= 0)
		loop_forget(&w->agent->loop, &w->source);
	if (w->retry.fd >= 0)
		loop_forget(&w->agent->loop, &w->retry);
	close_fd(w->retry.fd);
	if (w->sock)
		mnl_socket_close(w->sock);
	free(w);
	return NULL;
}
