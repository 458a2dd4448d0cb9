/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The agent's runs: what one is, and the watch for those that end. What becomes of one is run.h's
 * and bound.h's.
 */
#ifndef USN_RUNS_H
#define USN_RUNS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct agent;
struct usn_err;

struct run {
	struct agent *agent;
	LIST_ENTRY(run) list;
	void (*reap)(struct run *r); /* ends it if it is to: run_reap(), or bound_reap() */
	char *name;      /* of the cgroup: usnN-K, or its path if it is bound in place */
	bool in_place;   /* it is somebody else's cgroup, see bound.h */
	uint32_t number; /* N of the device */
	uint64_t id;
	uint32_t ruleset; /* its own, or the device's */
	int dir_fd;
	int watch;      /* inotify's */
	bool launching; /* its launcher is still connected, so empty does not mean ended */
};

/* The launcher has execed, or given up. */
void run_launched(struct run *r);

struct run *run_new(struct agent *a, const char *name, void (*reap)(struct run *r));
struct run *run_free(struct run *r);

/* Watches the cgroup, r->dir_fd. 0 or -errno. */
int run_attend(struct run *r);

struct run *run_by_id(struct agent *a, uint64_t id);

/* As usn list names it; of one in place also its path in the cgroup v2 tree. Nothing is opened. */
const struct run *run_by_name(const struct agent *a, const char *name);

/* Whether any run is on the device of this number, there or gone. */
bool runs_use_device(const struct agent *a, uint32_t number);

bool runs_use_ruleset(const struct agent *a, uint32_t ruleset);

/* Starts to watch for runs that end. */
int runs_open(struct agent *a, struct usn_err *e);
void runs_close(struct agent *a);

/* Reaps the runs that have ended: the kernel's word of an end may still be on its way. */
void runs_sweep(struct agent *a);

#endif
