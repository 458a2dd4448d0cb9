/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Cgroups bound in place: a run whose cgroup is somebody else's, such as a service's. It has links
 * of its own, ends when the cgroup is removed or it is unbound, and is never removed by us.
 */
#ifndef USN_BOUND_H
#define USN_BOUND_H

struct agent;
struct device;
struct run;
struct run_options;
struct usn_err;

/* path as cgroup_open() has it. Bound to this device already: nothing changes. */
int bound_start(struct device *d, const char *path, const struct run_options *o, struct run **ret,
		struct usn_err *e);
int bound_end(struct agent *a, const char *path, struct usn_err *e);

/*
 * Ends it if its cgroup was removed, or is a scope of ours that is empty: systemd removes it in its
 * own time.
 */
void bound_reap(struct run *r);

#endif
