// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Runs: started, watched, adopted, removed. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "usnd/agent.h"
#include "usnd/bound.h"
#include "usnd/cgroup.h"
#include "usnd/device.h"
#include "usnd/pins.h"
#include "usnd/ruleset.h"
#include "usnd/run.h"

struct run *run_new(struct agent *a, const char *name)
{
	struct run *r = calloc(1, sizeof(*r));

	if (r)
		r->name = strdup(name);
	if (!r || !r->name) {
		free(r);
		return NULL;
	}
	r->agent = a;
	r->dir_fd = r->watch = -1;
	LIST_INSERT_HEAD(&a->runs, r, list);
	return r;
}

struct run *run_free(struct run *r)
{
	if (!r)
		return NULL;
	if (r->watch >= 0)
		inotify_rm_watch(r->agent->run_events.fd, r->watch);
	close_fd(r->dir_fd);
	LIST_REMOVE(r, list);
	free(r->name);
	free(r);
	return NULL;
}

int run_attend(struct run *r)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d/cgroup.events", r->dir_fd);
	r->watch = inotify_add_watch(r->agent->run_events.fd, path, IN_MODIFY);
	if (r->watch < 0)
		return -errno;
	return cgroup_id(r->dir_fd, &r->id);
}

bool runs_use_device(const struct agent *a, uint32_t number)
{
	const struct run *r;

	LIST_FOREACH(r, &a->runs, list)
	{
		if (r->number == number)
			return true;
	}
	return false;
}

/* Opens the cgroup of a run of ours, and watches it. */
static int run_open(struct run *r)
{
	r->dir_fd = openat(r->agent->cgroup_fd, r->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return r->dir_fd < 0 ? -errno : run_attend(r);
}

void counters_settle(struct agent *a, uint32_t number)
{
	if (!a->devices[number] && !runs_use_device(a, number))
		counters_remove(a->pins, number);
}

bool runs_use_ruleset(const struct agent *a, uint32_t ruleset)
{
	const struct run *r;

	LIST_FOREACH(r, &a->runs, list)
	{
		if (ruleset && r->ruleset == ruleset)
			return true;
	}
	return false;
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
	drop_ruleset(a, number, ruleset);
	/* While an agent adopts, the device of a run that has ended may only be about to be found. */
	if (a->whole)
		counters_settle(a, number);
	a->run_ended = true;
}

/* Removes the run if nothing is left in it. The binding goes last: until then a process could come in. */
static void run_reap(struct run *r)
{
	int error;

	if (r->in_place) {
		bound_reap(r);
		return;
	}
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

void run_launched(struct run *r)
{
	r->launching = false;
	run_reap(r);
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
	r = run_new(a, name);
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

static struct run *run_by_watch(struct agent *a, int watch)
{
	struct run *r;

	LIST_FOREACH(r, &a->runs, list)
	{
		if (r->watch == watch)
			return r;
	}
	return NULL;
}

static void events_ready(struct source *s, uint32_t events)
{
	struct agent *a = SOURCE_OWNER(s, struct agent, run_events);
	char buf[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	const struct inotify_event *ev;
	ssize_t n, at;

	(void)events;
	while ((n = read(s->fd, buf, sizeof(buf))) > 0) {
		for (at = 0; at < n; at += (ssize_t)(sizeof(*ev) + ev->len)) {
			struct run *r;

			ev = (const struct inotify_event *)(buf + at);
			r = run_by_watch(a, ev->wd);
			/* The cgroup is gone, and the watch with it. */
			if (r && ev->mask & IN_IGNORED)
				r->watch = -1;
			if (r)
				run_reap(r);
		}
	}
}

/* A cgroup that an earlier agent made: with its binding it is a run, without it was never entered. */
static void adopt(struct agent *a, const char *name)
{
	struct usn_binding b;
	struct run *r = run_new(a, name);

	if (!r || run_open(r) < 0 || binding_get(a->pins, r->id, &b) < 0) {
		run_free(r);
		if (cgroup_remove(a->cgroup_fd, name) < 0)
			log_line(LOG_WARNING, "the cgroup %s/%s/%s is not a run: left alone",
				 a->cgroup_path, USN_CGROUP, name);
		return;
	}
	r->number = b.number;
	r->ruleset = b.ruleset;
	run_reap(r);
}

static int adopt_all(struct agent *a, struct usn_err *e)
{
	int fd = openat(a->cgroup_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *d;

	if (!dir) {
		close_fd(fd);
		return usn_fail_errno(e, errno, "cannot read %s/%s", a->cgroup_path, USN_CGROUP);
	}
	while ((d = readdir(dir))) {
		if (d->d_type == DT_DIR && d->d_name[0] != '.')
			adopt(a, d->d_name);
	}
	closedir(dir);
	return 0;
}

struct run *run_by_id(struct agent *a, uint64_t id)
{
	struct run *r;

	LIST_FOREACH(r, &a->runs, list)
	{
		if (r->id == id)
			return r;
	}
	return NULL;
}

/* A run in place is named by its path; like cgroup_open(), but by the text alone. */
static bool is_named(const struct run *r, const char *name)
{
	size_t n = strlen(r->agent->cgroup_path);

	if (!strcmp(r->name, name))
		return true;
	return r->in_place && !strncmp(r->name, r->agent->cgroup_path, n) && r->name[n] == '/' &&
	       !strcmp(r->name + n + 1, name + strspn(name, "/"));
}

const struct run *run_by_name(const struct agent *a, const char *name)
{
	const struct run *r;

	LIST_FOREACH(r, &a->runs, list)
	{
		if (is_named(r, name))
			return r;
	}
	return NULL;
}

/* Bindings of other cgroups than runs: bound in place, or gone while there was no agent. Ids are never used again. */
static void adopt_bindings(struct agent *a)
{
	uint64_t id = 0, next;

	while (!binding_next(a->pins, id, &next)) {
		if (run_by_id(a, next) || bound_adopt(a, next) >= 0) {
			id = next;
			continue;
		}
		binding_remove(a->pins, next);
		id = 0; /* its successor is unknown now: from the start */
	}
}

int runs_open(struct agent *a, struct usn_err *e)
{
	int r;

	a->run_events = (struct source){ .fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK),
					 .ready = events_ready };
	if (a->run_events.fd < 0)
		return usn_fail_errno(e, errno, "cannot watch for runs that end");
	r = loop_watch(&a->loop, &a->run_events, EPOLLIN);
	if (r < 0)
		return usn_fail_errno(e, -r, "cannot watch for runs that end");
	r = adopt_all(a, e);
	if (r >= 0)
		adopt_bindings(a);
	return r;
}

void runs_close(struct agent *a)
{
	struct run *r;

	while ((r = LIST_FIRST(&a->runs)))
		run_free(r);
	loop_forget(&a->loop, &a->run_events);
	a->run_events.fd = close_fd(a->run_events.fd);
}

void runs_sweep(struct agent *a)
{
	struct run *r, *next;

	for (r = LIST_FIRST(&a->runs); r; r = next) {
		next = LIST_NEXT(r, list);
		run_reap(r);
	}
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
