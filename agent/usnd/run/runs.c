// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The agent's runs: the object, and the watch for those that end. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "usnd/agent.h"
#include "usnd/os/cgroup.h"
#include "usnd/run/runs.h"

struct run *run_new(struct agent *a, const char *name, void (*reap)(struct run *r))
{
	struct run *r = calloc(1, sizeof(*r));

	if (r)
		r->name = strdup(name);
	if (!r || !r->name) {
		free(r);
		return NULL;
	}
	r->agent = a;
	r->reap = reap;
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

void run_launched(struct run *r)
{
	r->launching = false;
	r->reap(r);
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
				r->reap(r);
		}
	}
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

int runs_open(struct agent *a, struct usn_err *e)
{
	int r;

	a->run_events = (struct source){ .fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK),
					 .ready = events_ready };
	if (a->run_events.fd < 0)
		return usn_fail_errno(e, errno, "cannot watch for runs that end");
	r = loop_watch(&a->loop, &a->run_events, EPOLLIN);
	return r < 0 ? usn_fail_errno(e, -r, "cannot watch for runs that end") : 0;
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
		r->reap(r);
	}
}
