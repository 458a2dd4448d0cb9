// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The kernel's settings of an interface. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "usnd/device/devconf.h"

/*
 * Documentation/networking/ip-sysctl.rst. Without IPv6, or with an MTU that is too small for it,
 * there is no such folder.
 */
static const struct {
	const char *path; /* below /proc/sys/net, %s: the interface */
	const char *value;
} settings[] = {
	/*
	 * Packets of a device have an address of that device. Otherwise IPv6 takes any address of
	 * the host's that suits the destination better (RFC 6724), which tells the rig about other
	 * interfaces, and nothing comes back.
	 */
	{ "ipv6/conf/%s/use_oif_addrs_only", "1" },
	/*
	 * A rig is no router of the host's: its advertisements would give the whole host a default
	 * route, addresses, an MTU and a hop limit, which stay when the rig has ended.
	 */
	{ "ipv6/conf/%s/accept_ra", "0" },
	{ "ipv6/conf/%s/autoconf", "0" },
	{ "ipv6/conf/%s/accept_redirects", "0" },
	/*
	 * The kernel takes them all the same where net.ipv4.conf.all says so (IN_DEV_RX_REDIRECTS).
	 */
	{ "ipv4/conf/%s/accept_redirects", "0" },
};

static int set(const char *path, const char *value, struct usn_err *e)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		return usn_fail_errno(e, errno, "cannot set %s", path);
	return 0;
}

int devconf_set(const char *device, struct usn_err *e)
{
	char below[64], path[96];
	size_t i;
	int r = 0;

	for (i = 0; i < ARRAY_SIZE(settings) && r >= 0; i++) {
		snprintf(below, sizeof(below), settings[i].path, device);
		snprintf(path, sizeof(path), "/proc/sys/net/%s", below);
		r = set(path, settings[i].value, e);
	}
	return r;
}
