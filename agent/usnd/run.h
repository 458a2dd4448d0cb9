/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A run: a cgroup with a binding, from its launch until its last process has ended. */
#ifndef USN_RUN_H
#define USN_RUN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/dns.h"
#include "base/exempt.h"
#include "usnd/loop.h"

struct agent;
struct device;
struct usn_err;

struct run {
	struct agent *agent;
	LIST_ENTRY(run) list;
	char *name;      /* of the cgroup: usnN-K, or its path if it is bound in place */
	bool in_place;   /* it is somebody else's cgroup, see bound.h */
	uint32_t number; /* N of the device */
	uint64_t id;
	uint32_t ruleset; /* its own, or the device's */
	int dir_fd;
	int watch;      /* inotify's */
	bool launching; /* its launcher is still connected, so empty does not mean ended */
};

/* What a run can be told. */
struct run_options {
	struct exempt except; /* beside the device's own, unless ... */
	bool only_except;     /* ... these are all */
	bool no_guard;
	bool own_dns; /* dns counts, and not the device's */
	struct dns dns;
};

/* Makes a run. *ret_procs_fd is its cgroup.procs: who writes "0" to it is in. */
int run_start(struct device *d, const struct run_options *o, struct run **ret, int *ret_procs_fd,
	      struct usn_err *e);

/* The launcher has execed, or given up. */
void run_launched(struct run *r);

struct run *run_new(struct agent *a, const char *name);
struct run *run_free(struct run *r);

/* Watches the cgroup, r->dir_fd. 0 or -errno. */
int run_attend(struct run *r);

/* Enters the binding. */
int run_bind(struct run *r, const struct device *d, const struct run_options *o, struct usn_err *e);

/* Drops the binding and all there is of the run but the cgroup. */
void run_forget(struct run *r);

struct run *run_by_id(struct agent *a, uint64_t id);

/* As usn list names it; of one in place also its path in the cgroup v2 tree. Nothing is opened. */
const struct run *run_by_name(const struct agent *a, const char *name);

/* Whether any run is on the device of this number, there or gone. */
bool runs_use_device(const struct agent *a, uint32_t number);

bool runs_use_ruleset(const struct agent *a, uint32_t ruleset);

/* Starts to watch for runs that end, and takes over those that are there. */
int runs_open(struct agent *a, struct usn_err *e);
void runs_close(struct agent *a);

/* Removes the runs that have ended: the kernel's word of an end may still be on its way. */
void runs_sweep(struct agent *a);

/* Removes the counters of a number that no device has, and no run. */
void counters_settle(struct agent *a, uint32_t number);

/* Points the bindings of a device's runs at its interface; 0: there is none, refuse. */
void runs_follow(struct agent *a, uint32_t number, uint32_t ifindex);

#endif
