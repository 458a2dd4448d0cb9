// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A run: started, bound, removed. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/log.h"
#include "usnd/agent.h"
#include "usnd/device/device.h"
#include "usnd/os/cgroup.h"
#include "usnd/pins/pins.h"
#include "usnd/run/ruleset.h"
#include "usnd/run/run.h"

void counters_settle(struct agent *a, uint32_t number)
{
	if (!a->devices[number] && !runs_use_device(a, number))
		counters_remove(a->pins, number);
}

/* A run's rules are its own, or its device's as long as that is there. */
static void drop_ruleset(struct agent *a, uint32_t number, uint32_t ruleset)
{
	const struct device *d = a->devices[number];

	if ((!d || d->ruleset != ruleset) && !runs_use_ruleset(a, ruleset))
		ruleset_remove(a, ruleset);
}

void run_forget(struct run *r)
{
	struct agent *a = r->agent;
	uint32_t number = r->number, ruleset = r->ruleset;

	binding_remove(a->pins, r->id);
	run_free(r);
	a->run_ended = true;
	/* While an agent adopts, the device that has these may only be about to be found. */
	if (!a->whole)
		return;
	drop_ruleset(a, number, ruleset);
	counters_settle(a, number);
}

/* The binding goes last: until then a process could come in. */
void run_reap(struct run *r)
{
	int error;

	if (r->launching || cgroup_populated(r->dir_fd))
		return;
	error = cgroup_remove(r->agent->cgroup_fd, r->name);
	if (error == -EBUSY)
		return;
	if (error < 0)
		log_line(LOG_WARNING, "cannot remove the cgroup of %s: %s", r->name,
			 strerror(-error));
	run_forget(r);
}

int run_open(struct run *r)
{
	r->dir_fd = openat(r->agent->cgroup_fd, r->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return r->dir_fd < 0 ? -errno : run_attend(r);
}

static int make_cgroup(struct agent *a, uint32_t number, char *name, size_t size)
{
	int tries;

	for (tries = 0; tries < USN_BINDINGS_MAX; tries++) {
		snprintf(name, size, "usn%u-%u", number, ++a->last_run);
		if (!mkdirat(a->cgroup_fd, name, 0755))
			return 0;
		if (errno != EEXIST)
			return -errno;
	}
	return -EEXIST;
}

/* The device's rules are shared; a run that has any of its own gets a set for itself. */
static int run_exempt(struct run *r, const struct device *d, const struct run_options *o,
		      struct usn_binding *b, struct usn_err *e)
{
	struct exempt all = o->only_except ? (struct exempt){ 0 } : d->settings.except;
	size_t i;
	int error = 0;

	all.flags |= o->except.flags;
	b->flags |= all.flags;
	r->ruleset = d->ruleset;
	if (o->only_except || o->except.n) {
		for (i = 0; i < o->except.n && error >= 0; i++)
			error = exempt_add_rule(&all, &o->except.rules[i], e);
		if (error >= 0)
			error = ruleset_add(r->agent, &all, &r->ruleset, e);
	}
	b->ruleset = r->ruleset;
	return error;
}

int run_bind(struct run *r, const struct device *d, const struct run_options *o, struct usn_err *e)
{
	struct usn_binding b = { .ifindex = d->ifindex,
				 .number = d->number,
				 .netns_cookie = r->agent->netns_cookie,
				 .flags = o->no_guard ? 0 : USN_BIND_GUARD };
	const struct dns *dns = o->own_dns ? &o->dns : &d->settings.dns;
	int error = run_exempt(r, d, o, &b, e);

	if (error < 0)
		return error;
	memcpy(b.device, d->name, sizeof(b.device));
	memcpy(b.dns, dns->servers, sizeof(b.dns));
	b.flags |= dns->n ? USN_BIND_DNS : 0;
	error = binding_add(r->agent->pins, r->id, &b);
	if (error == -E2BIG)
		return usn_fail(e, E2BIG, "there are %d runs already, the most there can be",
				USN_BINDINGS_MAX);
	return error < 0 ? usn_fail_errno(e, -error, "cannot bind the run %s", r->name) : 0;
}

int run_start(struct device *d, const struct run_options *o, struct run **ret, int *ret_procs_fd,
	      struct usn_err *e)
{
	struct agent *a = d->agent;
	struct run *r;
	char name[32];
	int error, fd;

	error = make_cgroup(a, d->number, name, sizeof(name));
	if (error < 0)
		return usn_fail_errno(e, -error, "cannot make a cgroup in %s/%s", a->cgroup_path,
				      USN_CGROUP);
	r = run_new(a, name, run_reap);
	if (!r) {
		cgroup_remove(a->cgroup_fd, name);
		return usn_fail(e, ENOMEM, "out of memory");
	}
	r->number = d->number;
	error = run_open(r);
	error = error < 0 ? usn_fail_errno(e, -error, "cannot watch the run %s", name)
			  : run_bind(r, d, o, e);
	fd = error < 0 ? -1 : openat(r->dir_fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);
	if (error >= 0 && fd < 0)
		error = usn_fail_errno(e, errno, "cannot open the cgroup of %s", name);
	if (error < 0) {
		run_reap(r);
		return error;
	}
	r->launching = true;
	*ret = r;
	*ret_procs_fd = fd;
	return 0;
}

void runs_follow(struct agent *a, uint32_t number, uint32_t ifindex)
{
	struct run *r;

	LIST_FOREACH(r, &a->runs, list)
	{
		struct usn_binding b;

		if (r->number != number || binding_get(a->pins, r->id, &b) < 0)
			continue;
		b.ifindex = ifindex;
		if (binding_replace(a->pins, r->id, &b) < 0)
			log_line(LOG_ERR, "cannot change the binding of %s", r->name);
	}
}
