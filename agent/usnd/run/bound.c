// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Cgroups bound in place. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "usnd/agent.h"
#include "usnd/device/device.h"
#include "usnd/os/cgroup.h"
#include "usnd/pins/pins.h"
#include "usnd/run/bound.h"
#include "usnd/run/run.h"

/* Below the agent's own cgroup the programs hang already. */
static bool is_below_ours(const struct agent *a, const char *path)
{
	size_t n = strlen(a->cgroup_path);

	return !strncmp(path, a->cgroup_path, n) &&
	       !strncmp(path + n, "/" USN_CGROUP "/", strlen("/" USN_CGROUP "/"));
}

static int check_place(struct agent *a, uint64_t id, const char *path, struct usn_err *e)
{
	uint64_t root, ours;

	if (cgroup_id(a->cgroup_root_fd, &root) < 0 || cgroup_id(a->cgroup_fd, &ours) < 0)
		return usn_fail(e, EIO, "cannot read the cgroups' ids");
	if (id == root)
		return usn_fail(e, EINVAL, "%s is the root of all cgroups: name one below it",
				path);
	if (id == ours)
		return usn_fail(e, EINVAL, "%s is where the runs are: name another", path);
	return 0;
}

static int check_free(const struct run *r, const struct device *d, struct usn_err *e)
{
	if (r->number == d->number)
		return 0;
	return usn_fail(e, EBUSY, "%s is bound to usn%u already: unbind it first", r->name,
			r->number);
}

static int attach(struct run *r, const struct device *d, const struct run_options *o,
		  struct usn_err *e)
{
	struct agent *a = r->agent;
	int error = run_attend(r);

	if (error < 0)
		return usn_fail_errno(e, -error, "cannot watch the cgroup %s", r->name);
	/* Programs without a binding do nothing, and the other way round. */
	if (!is_below_ours(a, r->name)) {
		error = pins_attach(a->pins, r->dir_fd, r->id, e);
		if (error < 0)
			return error;
	}
	error = run_bind(r, d, o, e);
	if (error < 0)
		pins_detach(r->id);
	return error;
}

static void finish(struct run *r)
{
	pins_detach(r->id);
	run_forget(r);
}

/* A scope that systemd has made for a run: entered before it is bound, and by nobody later. */
static bool is_scope(const struct run *r)
{
	const char *last = strrchr(r->name, '/');
	size_t n = strlen(r->name);

	return last && n > 6 && !strcmp(r->name + n - 6, ".scope") &&
	       !strncmp(last, "/usn-usn", 8) && strstr(r->name, "/usn.slice/");
}

void bound_reap(struct run *r)
{
	if (cgroup_removed(r->dir_fd) || (is_scope(r) && !cgroup_populated(r->dir_fd)))
		finish(r);
}

int bound_start(struct device *d, const char *path, const struct run_options *o, struct run **ret,
		struct usn_err *e)
{
	struct agent *a = d->agent;
	_cleanup_close_ int fd = cgroup_open(a->cgroup_root_fd, a->cgroup_path, path, e);
	_cleanup_free_ char *name = fd < 0 ? NULL : cgroup_path(fd);
	struct run *r;
	uint64_t id;
	int error;

	if (fd < 0)
		return fd;
	if (!name || cgroup_id(fd, &id) < 0)
		return usn_fail(e, EIO, "cannot tell where the cgroup is");
	error = check_place(a, id, name, e);
	r = error < 0 ? NULL : run_by_id(a, id);
	if (error < 0)
		return error;
	*ret = r;
	if (r)
		return check_free(r, d, e);
	r = run_new(a, name, bound_reap);
	if (!r)
		return usn_fail(e, ENOMEM, "out of memory");
	r->number = d->number;
	r->in_place = true;
	r->dir_fd = TAKE_FD(fd);
	error = attach(r, d, o, e);
	if (error < 0) {
		run_free(r);
		return error;
	}
	*ret = r;
	return 0;
}

int bound_end(struct agent *a, const char *path, struct usn_err *e)
{
	_cleanup_close_ int fd = cgroup_open(a->cgroup_root_fd, a->cgroup_path, path, e);
	struct run *r;
	uint64_t id;

	if (fd < 0)
		return fd;
	r = cgroup_id(fd, &id) < 0 ? NULL : run_by_id(a, id);
	if (!r || !r->in_place)
		return usn_fail(e, ENOENT, "the cgroup %.200s is not bound", path);
	finish(r);
	return 0;
}
