/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The agent: what it owns while it runs. All of it can be read back from the kernel (adopt.h). */
#ifndef USN_AGENT_H
#define USN_AGENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include <usn/abi.h>

#include "usnd/os/held.h"
#include "usnd/os/loop.h"

#define USN_CGROUP "usn" /* the cgroup above all runs, in the root of the tree */

struct ambient;
struct device;
struct netlink;
struct pins;
struct redirects;
struct run;
struct service;
struct watch;

struct agent {
	struct loop loop;
	struct netlink *nl;
	struct pins *pins;
	struct service *service;
	struct watch *watch; /* interfaces that go behind our back */
	int cgroup_fd;       /* of USN_CGROUP */
	int cgroup_root_fd;
	char *cgroup_path;
	struct ambient *ambient;     /* NULL: off */
	struct redirects *redirects; /* NULL: there was no device yet */
	bool whole;                  /* all is adopted: if nothing is left, nothing is there */
	uint64_t netns_cookie;       /* the devices' network namespace */
	struct device *devices[USN_DEVICES_MAX]; /* by N of usnN */
	size_t n_devices;
	bool framed; /* route_frame() is done */
	LIST_HEAD(, run) runs;
	bool run_ended; /* since devices_settle(): a device that is gone goes with its last run */
	struct held_rings held;
	struct source signals;
	struct source run_events; /* inotify: cgroup.events of the runs */
	uint32_t last_run;        /* K of the newest usnN-K */
	uint32_t last_ruleset;
};

static inline bool agent_idle(const struct agent *a)
{
	return !a->n_devices && LIST_EMPTY(&a->runs) && !a->ambient;
}

/*
 * The next of the devices by number, for size_t i = 0; while ((d = agent_next_device(a, &i)));
 * NULL: no more. The one before may be freed meanwhile.
 */
static inline struct device *agent_next_device(const struct agent *a, size_t *i)
{
	while (*i < USN_DEVICES_MAX) {
		struct device *d = a->devices[(*i)++];

		if (d)
			return d;
	}
	return NULL;
}

#endif
