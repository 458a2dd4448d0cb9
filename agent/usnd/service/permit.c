// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Permissions of callers. */
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/pidfd.h"
#include "usnd/device/settings.h"
#include "usnd/service/permit.h"
#include "usnd/service/caller.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77 /* Linux 6.5 */
#endif

static bool has_user(const struct settings *s, uid_t uid)
{
	size_t i;

	for (i = 0; i < s->n_users; i++) {
		if (s->users[i] == uid)
			return true;
	}
	return false;
}

static bool has_group(const struct settings *s, gid_t gid)
{
	size_t i;

	for (i = 0; i < s->n_groups; i++) {
		if (s->groups[i] == gid)
			return true;
	}
	return false;
}

/* Any group that the caller was in when it connected, as the kernel has noted. */
static bool has_group_of(const struct settings *s, const struct caller *c)
{
	socklen_t size = NGROUPS_MAX * sizeof(gid_t);
	_cleanup_free_ gid_t *groups = malloc(size);
	size_t i;

	if (has_group(s, c->cred.gid))
		return true;
	if (!groups || getsockopt(c->source.fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) < 0)
		return false;
	for (i = 0; i < size / sizeof(gid_t); i++) {
		if (has_group(s, groups[i]))
			return true;
	}
	return false;
}

static int refuse(const struct caller *c, uint32_t number, const char *path, struct usn_err *e)
{
	const struct passwd *p = getpwuid(c->cred.uid);
	char name[40];

	if (p)
		snprintf(name, sizeof(name), "%s", p->pw_name);
	else
		snprintf(name, sizeof(name), "%u", c->cred.uid);
	return usn_fail(e, EPERM,
			"usn%u is not for %s: the line User=%s below [Device] in %s would allow it",
			number, name, name, path);
}

int permit_device(const struct caller *c, uint32_t number, struct usn_err *e)
{
	struct settings s;
	char path[64];
	int r;

	if (!c->cred.uid)
		return 0;
	settings_default(number, &s);
	settings_path(number, path);
	r = settings_read(path, &s, e);
	if (r < 0)
		return r;
	if (has_user(&s, c->cred.uid) || has_group_of(&s, c))
		return 0;
	return refuse(c, number, path, e);
}

static int check_owner(const struct caller *c, struct usn_err *e)
{
	struct stat st;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d", c->cred.pid);
	if (!c->cred.uid || (!stat(path, &st) && st.st_uid == c->cred.uid))
		return 0;
	return usn_fail(e, EPERM, "process %d, which connected, is of another user now",
			c->cred.pid);
}

int permit_pidfd(const struct caller *c, struct usn_err *e)
{
	socklen_t len = sizeof(int);
	int fd, r;

	if (getsockopt(c->source.fd, SOL_SOCKET, SO_PEERPIDFD, &fd, &len) < 0)
		fd = errno == ENOPROTOOPT ? pidfd_of(c->cred.pid) : -errno;
	if (fd < 0)
		return usn_fail_errno(e, -fd, "cannot watch process %d", c->cred.pid);
	r = check_owner(c, e);
	if (r < 0) {
		close_fd(fd);
		return r;
	}
	return fd;
}
