// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Talking to the service manager. */
#include <stdlib.h>
#include <systemd/sd-daemon.h>

#include "usnd/os/notify.h"

bool notify_wanted(void)
{
	const char *path = getenv("NOTIFY_SOCKET");

	return path && *path;
}

int notify_send(const char *state, int fd)
{
	return notify_wanted() ? sd_pid_notify_with_fds(0, 0, state, &fd, fd >= 0) : 0;
}
