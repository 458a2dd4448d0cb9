/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How a caller gets into a run. Root gets a descriptor of the new cgroup's cgroup.procs and enters by itself. With that
 * descriptor one can move anybody's processes, so others are moved by the agent. Where systemd is process 1, it moves
 * either into a scope, which is then bound as a cgroup in place.
 */
#ifndef USN_LAUNCH_H
#define USN_LAUNCH_H

#include <stdbool.h>
#include <stddef.h>

struct caller;
struct device;
struct run_options;
struct usn_err;

/*
 * command: for the scope's name, NULL: it is to be no scope. ret_name: of the run. *ret_procs_fd -1: the caller's process has
 * entered.
 */
int launch(struct caller *c, struct device *d, const struct run_options *o, const char *command,
	   const char **ret_name, int *ret_procs_fd, struct usn_err *e);

#endif
