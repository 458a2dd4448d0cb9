// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The cgroup v2 tree. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cgroup2.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "usnd/os/cgroup.h"

int cgroup_open_id(int root_fd, uint64_t id)
{
	struct {
		struct file_handle h;
		uint64_t id;
	} handle = { .h.handle_bytes = sizeof(id), .h.handle_type = 0xfe /* FILEID_KERNFS */ };
	int fd;

	memcpy(handle.h.f_handle, &id, sizeof(id));
	fd = open_by_handle_at(root_fd, &handle.h, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

char *cgroup_path(int dir_fd)
{
	char link[64], path[PATH_MAX];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", dir_fd);
	n = readlink(link, path, sizeof(path) - 1);
	return n < 0 ? NULL : strndup(path, (size_t)n);
}

bool cgroup_removed(int dir_fd)
{
	return faccessat(dir_fd, "cgroup.procs", F_OK, 0) < 0;
}

bool cgroup_populated(int dir_fd)
{
	_cleanup_close_ int fd = openat(dir_fd, "cgroup.events", O_RDONLY | O_CLOEXEC);
	char text[256];
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return false; /* ENODEV: removed meanwhile */
	text[n] = '\0';
	return strstr(text, "populated 1") != NULL;
}

/* Calls f for each directory in a directory. Stops at the first error. */
static int each_child(int dir_fd, int (*f)(int dir_fd, const char *name, void *arg), void *arg)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	struct dirent *d;
	DIR *dir;

	if (fd < 0)
		return -errno;
	dir = fdopendir(fd);
	if (!dir) {
		close_fd(fd);
		return -ENOMEM;
	}
	while (r >= 0 && (d = readdir(dir))) {
		if (d->d_type == DT_DIR && d->d_name[0] != '.')
			r = f(dir_fd, d->d_name, arg);
	}
	closedir(dir);
	return r;
}

struct pids {
	pid_t *pids;
	size_t n;
};

static int add_pids(int dir_fd, struct pids *p)
{
	_cleanup_fclose_ FILE *f = NULL;
	int fd = openat(dir_fd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	pid_t pid, *more;

	if (fd < 0)
		return errno == ENODEV || errno == ENOENT ? 0 : -errno;
	f = fdopen(fd, "r");
	if (!f) {
		close_fd(fd);
		return -ENOMEM;
	}
	while (fscanf(f, "%d", &pid) == 1) {
		more = realloc(p->pids, (p->n + 1) * sizeof(*more));
		if (!more)
			return -ENOMEM;
		p->pids = more;
		p->pids[p->n++] = pid;
	}
	return 0;
}

static int add_child_pids(int dir_fd, const char *name, void *arg)
{
	_cleanup_close_ int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return 0; /* gone meanwhile */
	r = add_pids(fd, arg);
	return r < 0 ? r : each_child(fd, add_child_pids, arg);
}

int cgroup_pids(int dir_fd, pid_t **ret, size_t *ret_n)
{
	struct pids p = { 0 };
	int r = add_pids(dir_fd, &p);

	if (r >= 0)
		r = each_child(dir_fd, add_child_pids, &p);
	if (r < 0) {
		free(p.pids);
		return r;
	}
	*ret = p.pids;
	*ret_n = p.n;
	return 0;
}

static int remove_child(int dir_fd, const char *name, void *arg)
{
	(void)arg;
	return cgroup_remove(dir_fd, name);
}

int cgroup_remove(int parent_fd, const char *name)
{
	_cleanup_close_ int fd = -1;

	if (!unlinkat(parent_fd, name, AT_REMOVEDIR) || errno == ENOENT)
		return 0;
	if (errno != EBUSY && errno != ENOTEMPTY)
		return -errno;
	/* EBUSY: a process, or a cgroup that the run made inside. */
	fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (cgroup_populated(fd))
		return -EBUSY;
	each_child(fd, remove_child, NULL);
	return unlinkat(parent_fd, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}

static bool inside(const char *path)
{
	_cleanup_free_ char *own = cgroup_of_process(getpid());
	size_t n = strlen(path);

	return own && !strncmp(own + 1, path, n) && (own[1 + n] == '/' || !own[1 + n]);
}

int cgroup_leave(int root_fd, const char *path)
{
	_cleanup_close_ int fd = -1;

	if (!inside(path))
		return 0;
	fd = openat(root_fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);
	return fd < 0 || write(fd, "0", 1) < 0 ? -errno : 0;
}
