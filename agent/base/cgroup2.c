// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Where the cgroup v2 tree is, and the ids of its cgroups. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cgroup2.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/mountinfo.h"

/* A mount that lies under another one is in mountinfo too: what counts is what the path opens. */
static int open_cgroup2(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs;

	if (fd < 0 || fstatfs(fd, &fs) < 0 || fs.f_type != CGROUP2_SUPER_MAGIC)
		return -1;
	return TAKE_FD(fd);
}

int cgroup_open_root(int *ret_fd, char **ret_path, struct usn_err *e)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/self/mountinfo", "re");
	_cleanup_free_ struct mount *m = malloc(sizeof(*m));
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int fd = -1;
	bool whole = false;
	int r;

	if (!f || !m)
		return usn_fail_errno(e, errno, "cannot read /proc/self/mountinfo");
	while (!whole && (r = mountinfo_next(f, m)) != 0) {
		int candidate;

		if (r < 0 || strcmp(m->fstype, "cgroup2"))
			continue;
		whole = !strcmp(m->root, "/");
		if (fd >= 0 && !whole)
			continue;
		candidate = open_cgroup2(m->point);
		if (candidate < 0) {
			whole = false;
			continue;
		}
		close_fd(fd);
		fd = candidate;
		free(path);
		path = strdup(m->point);
	}
	if (fd < 0)
		return usn_fail(
			e, ENOENT,
			"no cgroup v2 tree is mounted: mount -t cgroup2 cgroup2 /sys/fs/cgroup");
	if (!path)
		return usn_fail(e, ENOMEM, "out of memory");
	*ret_fd = TAKE_FD(fd);
	*ret_path = TAKE_PTR(path);
	return 0;
}

int cgroup_id(int dir_fd, uint64_t *ret)
{
	struct {
		struct file_handle h;
		uint64_t id;
	} handle = { .h.handle_bytes = sizeof(uint64_t) };
	int mount_id;

	if (name_to_handle_at(dir_fd, "", &handle.h, &mount_id, AT_EMPTY_PATH) < 0)
		return -errno;
	memcpy(ret, handle.h.f_handle, sizeof(*ret));
	return 0;
}

int cgroup_open(int root_fd, const char *root_path, const char *path, struct usn_err *e)
{
	size_t n = strlen(root_path);
	uint64_t id;
	int fd;

	if (!path)
		path = "";
	else if (!strncmp(path, root_path, n) && (!path[n] || path[n] == '/'))
		path += n;
	path += strspn(path, "/");
	fd = openat(root_fd, *path ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || cgroup_id(fd, &id) < 0 || faccessat(fd, "cgroup.procs", F_OK, 0) < 0) {
		int code = fd < 0 ? errno : EINVAL;

		close_fd(fd);
		return usn_fail_errno(e, code, "cannot open the cgroup %s/%.200s", root_path, path);
	}
	return fd;
}

/* The cgroup of a run; -1: there is no run of this name. */
static int open_run(int root_fd, const char *name)
{
	char path[NAME_MAX + 8];

	if (strchr(name, '/') || strlen(name) > NAME_MAX)
		return -1;
	snprintf(path, sizeof(path), "usn/%s", name);
	return openat(root_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int cgroup_find(const char *name, uint64_t *ret_id, struct usn_err *e)
{
	_cleanup_close_ int root_fd = -1, fd = -1;
	_cleanup_free_ char *root = NULL;
	int r = cgroup_open_root(&root_fd, &root, e);

	if (r < 0)
		return r;
	if (!root)
		return usn_fail(e, ENOMEM, "out of memory");
	fd = open_run(root_fd, name);
	if (fd < 0)
		fd = cgroup_open(root_fd, root, name, e);
	if (fd == -ENOENT && !strchr(name, '/'))
		return usn_fail(e, ENOENT,
				"there is no run '%.100s', and no cgroup: usn list shows the runs",
				name);
	if (fd < 0)
		return fd;
	r = cgroup_id(fd, ret_id);
	return r < 0 ? usn_fail_errno(e, -r, "%s is no cgroup", name) : 0;
}

char *cgroup_of_process(pid_t pid)
{
	_cleanup_fclose_ FILE *f = NULL;
	_cleanup_free_ char *line = NULL;
	char path[32];
	size_t size = 0;

	snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
	f = fopen(path, "re");
	while (f && getline(&line, &size, f) >= 0) {
		line[strcspn(line, "\n")] = '\0';
		if (!strncmp(line, "0::", 3))
			return strdup(line + 3);
	}
	return NULL;
}
