// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The exit status of a process that is not a child. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/pidfd.h"

/* include/uapi/linux/pidfd.h, as of Linux 6.15: older headers do not have it. */
struct info {
	uint64_t mask;
	uint64_t cgroup_id;
	uint32_t ids[11];
	int32_t exit_code;
};
_Static_assert(sizeof(struct info) == 64, "PIDFD_INFO_SIZE_VER0");

#define GET_INFO _IOWR(0xff, 11, struct info)
#define INFO_EXIT (1u << 3)

int pidfd_status(int fd, int *ret)
{
	struct info info = { .mask = INFO_EXIT };

	if (ioctl(fd, GET_INFO, &info) < 0)
		return errno == ESRCH || errno == ENOTTY || errno == EINVAL ? -ENOSYS : -errno;
	if (!(info.mask & INFO_EXIT))
		return -EAGAIN;
	*ret = info.exit_code;
	return 0;
}

int pidfd_of(int pid)
{
	int fd = pidfd_open(pid, 0);

	return fd < 0 ? -errno : fd;
}

/* proc_pid_fdinfo(5): "Pid:\t4711". */
int pidfd_pid(int fd)
{
	_cleanup_fclose_ FILE *f = NULL;
	char path[64], line[128];
	int pid = -1;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "Pid: %d", &pid) == 1)
			break;
	}
	return pid;
}

int pidfd_status_works(void)
{
	_cleanup_close_ int fd = -1;
	pid_t pid = fork();
	int status;

	if (pid < 0)
		return -errno;
	if (!pid)
		_exit(0);
	fd = pidfd_of(pid);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return fd >= 0 && pidfd_status(fd, &status) == 0 ? 0 : -ENOSYS;
}
