// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* TUN queues: make, keep, attach, and get back from a rig. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/pidfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "usnd/os/tun.h"

static int tun_open(struct usn_err *e)
{
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	if (fd < 0 && (errno == ENOENT || errno == ENODEV))
		return usn_fail(
			e, ENODEV,
			"/dev/net/tun is missing: modprobe tun (or mknod /dev/net/tun c 10 200)");
	if (fd < 0)
		return usn_fail_errno(e, errno, "cannot open /dev/net/tun");
	return fd;
}

static int tun_set(int fd, const char *name, short flags)
{
	struct ifreq ifr = { .ifr_flags = (short)(IFF_TUN | IFF_NO_PI | flags) };

	strncpy(ifr.ifr_name, name, IFNAMSIZ - 1);
	return ioctl(fd, TUNSETIFF, &ifr) < 0 ? -errno : 0;
}

int tun_create(const char *name, int *ret_fd, uint32_t *ret_ifindex, struct usn_err *e)
{
	_cleanup_close_ int fd = tun_open(e);
	int r;

	if (fd < 0)
		return fd;
	r = tun_set(fd, name, (short)IFF_TUN_EXCL);
	if (r == -EBUSY || r == -EEXIST || r == -EINVAL)
		return usn_fail(e, EEXIST,
				"the name %s is taken by an interface that is not usn's: rename or "
				"remove it (ip link show %s)",
				name, name);
	if (r < 0)
		return usn_fail_errno(e, -r, "cannot make the TUN device %s", name);
	*ret_ifindex = if_nametoindex(name);
	if (!*ret_ifindex)
		return usn_fail_errno(e, errno, "cannot find the index of %s", name);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int tun_keep(int fd)
{
	return ioctl(fd, TUNSETPERSIST, 1) < 0 ? -errno : 0;
}

int tun_attach(const char *name, int *ret_fd, struct usn_err *e)
{
	_cleanup_close_ int fd = tun_open(e);
	int r;

	if (fd < 0)
		return fd;
	r = tun_set(fd, name, 0);
	if (r < 0)
		return usn_fail_errno(e, -r, "cannot attach to the TUN device %s", name);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/*
 * /proc/PID/fdinfo/FD of a TUN queue has a line "iff:\tNAME" (tun_chr_show_fdinfo,
 * drivers/net/tun.c).
 */
static bool is_queue_of(int fdinfo_dir, const char *fd_name, const char *device)
{
	_cleanup_close_ int fd = openat(fdinfo_dir, fd_name, O_RDONLY | O_CLOEXEC);
	char text[1024], line[64];
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return false;
	text[n] = '\0';
	snprintf(line, sizeof(line), "iff:\t%s\n", device);
	return strstr(text, line) != NULL;
}

/* The number of the process's descriptor that is the device's queue; -1: it has none. */
static int find_queue(pid_t pid, const char *device)
{
	char path[64];
	struct dirent *d;
	int found = -1;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo", pid);
	dir = opendir(path);
	if (!dir)
		return -1;
	while (found < 0 && (d = readdir(dir))) {
		if (isdigit((unsigned char)d->d_name[0]) &&
		    is_queue_of(dirfd(dir), d->d_name, device))
			found = (int)strtol(d->d_name, NULL, 10);
	}
	closedir(dir);
	return found;
}

/* A device of the same name in another network namespace is another device. */
static bool is_here(int tun_fd)
{
	_cleanup_close_ int ns = ioctl(tun_fd, SIOCGSKNS);
	struct stat theirs, ours;

	return ns >= 0 && !fstat(ns, &theirs) && !stat("/proc/self/ns/net", &ours) &&
	       theirs.st_ino == ours.st_ino && theirs.st_dev == ours.st_dev;
}

bool tun_is(int fd, const char *name)
{
	struct ifreq ifr = { 0 };

	return !ioctl(fd, TUNGETIFF, &ifr) && !strcmp(ifr.ifr_name, name) && is_here(fd);
}

bool tun_is_kept(const char *name)
{
	return find_queue(1, name) >= 0;
}

static int borrow_from(pid_t pid, const char *device, int *ret_fd, int *ret_pidfd)
{
	_cleanup_close_ int pidfd = -1, fd = -1;
	int number = find_queue(pid, device);

	if (number < 0)
		return -ESRCH;
	pidfd = pidfd_open(pid, 0);
	if (pidfd < 0)
		return -errno;
	fd = pidfd_getfd(pidfd, number, 0);
	if (fd < 0)
		return -errno;
	if (!is_here(fd))
		return -ESRCH;
	*ret_fd = TAKE_FD(fd);
	*ret_pidfd = TAKE_FD(pidfd);
	return 0;
}

int tun_borrow(const char *name, int *ret_fd, pid_t *ret_pid, int *ret_pidfd)
{
	DIR *proc = opendir("/proc");
	struct dirent *d;
	int r = -ESRCH;

	if (!proc)
		return -errno;
	while (r < 0 && (d = readdir(proc))) {
		if (!isdigit((unsigned char)d->d_name[0]))
			continue;
		*ret_pid = (pid_t)strtol(d->d_name, NULL, 10);
		/* What keeps descriptors for services is no rig. */
		if (*ret_pid == 1)
			continue;
		r = borrow_from(*ret_pid, name, ret_fd, ret_pidfd);
	}
	closedir(proc);
	return r;
}

ssize_t tun_read(int fd, void *buf, size_t size)
{
	struct iovec iov = { buf, size };
	struct pollfd p = { .fd = fd, .events = POLLIN };
	ssize_t n = preadv2(fd, &iov, 1, -1, RWF_NOWAIT);

	if (n >= 0 || errno != EOPNOTSUPP)
		return n < 0 ? -errno : n;
	/* Before 5.11 TUN has no NOWAIT; the agent is the only reader, so what poll sees stays. */
	if (poll(&p, 1, 0) <= 0 || !(p.revents & POLLIN))
		return -EAGAIN;
	n = read(fd, buf, size);
	return n < 0 ? -errno : n;
}
