// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Telling a network namespace. */
#include <errno.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/netns.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

int netns_cookie_of_socket(uint64_t *ret)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(*ret);

	return fd < 0 || getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, ret, &len) < 0 ? -errno : 0;
}
