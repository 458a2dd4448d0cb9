/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How a caller gets into a run. Root gets a descriptor of the new cgroup's cgroup.procs and enters
 * by itself. With that descriptor one can move anybody's processes, so others are moved by the
 * agent. Where systemd is process 1, it moves either into a scope, which is then bound as a cgroup
 * in place.
 */
#ifndef USN_LAUNCH_H
#define USN_LAUNCH_H

struct call;
struct run_options;
struct usn_err;

/*
 * Puts the caller into a new run on the device that the call names. call->fd is then the descriptor
 * of cgroup.procs, or -1: the process has entered. The parameter "command", if there is one, is for
 * the name of a scope; without it the run is none. *ret_name is the name of the run.
 */
int launch(struct call *call, const struct run_options *o, const char **ret_name,
	   struct usn_err *e);

#endif
