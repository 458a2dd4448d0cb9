/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A run: a cgroup with a binding, from its launch until its last process has ended. */
#ifndef USN_RUN_H
#define USN_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/dns.h"
#include "base/exempt.h"
#include "usnd/run/runs.h"

struct agent;
struct device;
struct usn_err;

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

/* Opens the cgroup of a run that run_start() has made, and watches it. 0 or -errno. */
int run_open(struct run *r);

/* Removes a run whose cgroup is ours if nothing is left in it. */
void run_reap(struct run *r);

/* Enters the binding. */
int run_bind(struct run *r, const struct device *d, const struct run_options *o, struct usn_err *e);

/* Drops the binding and all there is of the run but the cgroup. */
void run_forget(struct run *r);

/* Removes the counters of a number that no device has, and no run. */
void counters_settle(struct agent *a, uint32_t number);

/* Points the bindings of a device's runs at its interface; 0: there is none, refuse. */
void runs_follow(struct agent *a, uint32_t number, uint32_t ifindex);

#endif
