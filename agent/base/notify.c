// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Talking to the service manager. */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "base/notify.h"

bool notify_wanted(void)
{
	const char *path = getenv("NOTIFY_SOCKET");

	return path && *path;
}

static socklen_t address(const char *path, struct sockaddr_un *sa)
{
	size_t n = strlen(path);

	if (n >= sizeof(sa->sun_path))
		return 0;
	*sa = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(sa->sun_path, path, n);
	/* "@" stands for the NUL of an abstract name. */
	if (sa->sun_path[0] == '@')
		sa->sun_path[0] = '\0';
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
}

static void attach(struct msghdr *m, void *control, size_t size, int fd)
{
	struct cmsghdr *c;

	memset(control, 0, size);
	m->msg_control = control;
	m->msg_controllen = CMSG_SPACE(sizeof(fd));
	c = CMSG_FIRSTHDR(m);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
}

int notify_send(const char *state, int fd)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(fd))];
	const char *path = getenv("NOTIFY_SOCKET");
	struct iovec iov = { (void *)(uintptr_t)state, strlen(state) };
	struct sockaddr_un sa;
	struct msghdr m = { .msg_name = &sa, .msg_iov = &iov, .msg_iovlen = 1 };
	_cleanup_close_ int s = -1;

	if (!path || !*path)
		return 0;
	m.msg_namelen = address(path, &sa);
	if (!m.msg_namelen)
		return -ENAMETOOLONG;
	if (fd >= 0)
		attach(&m, control, sizeof(control), fd);
	s = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return s < 0 || sendmsg(s, &m, MSG_NOSIGNAL) < 0 ? -errno : 0;
}
