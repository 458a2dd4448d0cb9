// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The agent's beginning and end. */
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "usnd/adopt.h"
#include "usnd/agent.h"
#include "usnd/device/device.h"
#include "usnd/life.h"
#include "usnd/os/cgroup.h"
#include "usnd/os/netlink.h"
#include "usnd/os/netns.h"
#include "usnd/os/notify.h"
#include "usnd/os/store.h"
#include "usnd/pins/pins.h"
#include "usnd/pins/redirects.h"
#include "usnd/presence.h"
#include "usnd/run/ambient.h"
#include "usnd/run/runs.h"
#include "usnd/service/methods.h"
#include "usnd/service/service.h"
#include "usnd/watch.h"

/* The agent must not be in a run of its own: that would never end. */
static int open_cgroup(struct agent *a, struct usn_err *e)
{
	int r = cgroup_open_root(&a->cgroup_root_fd, &a->cgroup_path, e);

	if (r < 0)
		return r;
	if (mkdirat(a->cgroup_root_fd, USN_CGROUP, 0755) < 0 && errno != EEXIST)
		return usn_fail_errno(e, errno, "cannot make the cgroup %s/%s", a->cgroup_path,
				      USN_CGROUP);
	a->cgroup_fd = openat(a->cgroup_root_fd, USN_CGROUP, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (a->cgroup_fd < 0)
		return usn_fail_errno(e, errno, "cannot open the cgroup %s/%s", a->cgroup_path,
				      USN_CGROUP);
	r = cgroup_leave(a->cgroup_root_fd, USN_CGROUP);
	return r < 0 ? usn_fail_errno(e, -r, "cannot leave the run that this was started in") : 0;
}

static int open_parts(struct agent *a, struct usn_err *e)
{
	int r;

	store_open();
	r = loop_init(&a->loop);
	if (r < 0)
		return usn_fail_errno(e, -r, "cannot make an event loop");
	r = netns_cookie(&a->netns_cookie, e);
	if (r >= 0)
		r = service_open(a, methods, e);
	/*
	 * What is sure to get ready lets callers wait for it. Another may find that the queues are
	 * kept for one that is being restarted, and nobody should have waited for that.
	 */
	if (r >= 0 && notify_wanted())
		r = service_listen(a->service, e);
	if (r >= 0)
		r = netlink_open(&a->nl, e);
	/* Before the devices are read: what goes after that is then noticed. */
	if (r >= 0)
		r = watch_open(a, e);
	if (r >= 0)
		r = pins_prepare(e);
	if (r >= 0)
		r = open_cgroup(a, e);
	if (r >= 0)
		r = pins_open(a->cgroup_fd, &a->pins, e);
	if (r >= 0)
		r = runs_open(a, e);
	if (r >= 0)
		r = adopt(a, e);
	if (r >= 0)
		r = service_listen(a->service, e);
	return r;
}

/* Nothing is left half gone when the service looks whether anything is left to do. */
static void settled(struct loop *l)
{
	struct agent *a = SOURCE_OWNER(l, struct agent, loop);

	devices_settle(a);
	service_settle(a->service);
}

int agent_open(struct agent **ret, struct usn_err *e)
{
	struct agent *a = calloc(1, sizeof(*a));
	int r;

	if (!a)
		return usn_fail(e, ENOMEM, "out of memory");
	a->loop.epoll_fd = a->cgroup_fd = a->cgroup_root_fd = a->run_events.fd = a->signals.fd = -1;
	/* Its reasons are ours to give, in one line. */
	libbpf_set_print(NULL);
	r = open_parts(a, e);
	if (r < 0) {
		agent_free(a);
		return r;
	}
	a->whole = true;
	a->loop.settled = settled;
	*ret = a;
	return 0;
}

struct agent *agent_free(struct agent *a)
{
	struct device *d;
	size_t i = 0;
	bool idle;

	if (!a)
		return NULL;
	idle = a->whole && agent_idle(a);
	while ((d = agent_next_device(a, &i)))
		device_free(d);
	runs_close(a);
	ambient_free(a->ambient);
	redirects_free(a->redirects);
	held_free(&a->held);
	pins_free(a->pins);
	if (idle)
		pins_remove();
	/* Refused by the kernel while anything is in it. */
	if (a->cgroup_root_fd >= 0 && !pins_exist())
		unlinkat(a->cgroup_root_fd, USN_CGROUP, AT_REMOVEDIR);
	close_fd(a->cgroup_fd);
	close_fd(a->cgroup_root_fd);
	free(a->cgroup_path);
	watch_free(a->watch);
	netlink_free(a->nl);
	/* Last: it holds the lock, and the next agent may begin once that is free. */
	a->service = service_free(a->service);
	close_fd(a->signals.fd);
	loop_done(&a->loop);
	free(a);
	return NULL;
}
