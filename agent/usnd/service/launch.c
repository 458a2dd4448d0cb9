// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Launching runs. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "usnd/agent.h"
#include "usnd/device/device.h"
#include "usnd/os/cgroup.h"
#include "usnd/os/scope.h"
#include "usnd/run/bound.h"
#include "usnd/run/run.h"
#include "usnd/service/call.h"
#include "usnd/service/caller.h"
#include "usnd/service/launch.h"
#include "usnd/service/permit.h"

/* As long as the process of the pidfd is there, its number is nobody else's. */
static int check_alive(int pidfd, struct usn_err *e)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	return poll(&p, 1, 0) == 0 ? 0 : usn_fail(e, ESRCH, "the process that asked has ended");
}

static int move(int procs_fd, pid_t pid, int pidfd, struct usn_err *e)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%d", pid), r = check_alive(pidfd, e);

	if (r >= 0 && write(procs_fd, text, (size_t)n) < 0)
		r = usn_fail_errno(e, errno, "cannot move process %d into the run", pid);
	return r < 0 ? r : check_alive(pidfd, e);
}

static int launch_in_cgroup(struct call *call, const struct run_options *o, const char **ret_name,
			    struct usn_err *e)
{
	struct caller *c = call->caller;
	_cleanup_close_ int procs = -1, pidfd = c->cred.uid ? permit_pidfd(c, e) : -1;
	int r = c->cred.uid && pidfd < 0 ? pidfd : 0;

	if (r >= 0)
		r = run_start(call->device, o, &c->launching, &procs, e);
	if (r >= 0 && c->cred.uid)
		r = move(procs, c->cred.pid, pidfd, e);
	if (r < 0)
		return r;
	*ret_name = c->launching->name;
	call->fd = c->cred.uid ? -1 : TAKE_FD(procs);
	return 0;
}

/* Where systemd has put the process. */
static int scope_path(pid_t pid, const char *scope, char **ret, struct usn_err *e)
{
	_cleanup_free_ char *path = cgroup_of_process(pid);
	const char *last = path ? strrchr(path, '/') : NULL;

	if (!last || strcmp(last + 1, scope))
		return usn_fail(e, EIO,
				"process %d is not in the scope %s that systemd made for it", pid,
				scope);
	*ret = TAKE_PTR(path);
	return 0;
}

static int launch_in_scope(struct call *call, const struct run_options *o, const char *command,
			   const char **ret_name, struct usn_err *e)
{
	struct caller *c = call->caller;
	_cleanup_close_ int pidfd = permit_pidfd(c, e);
	_cleanup_free_ char *path = NULL;
	char scope[SCOPE_NAME_SIZE];
	struct run *run = NULL;
	int r = pidfd < 0 ? pidfd : check_alive(pidfd, e);

	c->agent->last_run++;
	if (r >= 0)
		r = scope_start(c->cred.pid, call->device->name, command, &c->agent->last_run,
				scope, e);
	if (r >= 0)
		r = check_alive(pidfd, e);
	if (r >= 0)
		r = scope_path(c->cred.pid, scope, &path, e);
	if (r >= 0)
		r = bound_start(call->device, path, o, &run, e);
	if (r >= 0)
		*ret_name = run->name;
	return r;
}

int launch(struct call *call, const struct run_options *o, const char **ret_name, struct usn_err *e)
{
	const char *command = json_string_value(json_object_get(call->parameters, "command"));

	if (command && scope_wanted())
		return launch_in_scope(call, o, command, ret_name, e);
	return launch_in_cgroup(call, o, ret_name, e);
}
