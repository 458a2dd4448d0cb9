// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The agent's map of devices, read without the agent. */
#include <bpf/bpf.h>
#include <fcntl.h>
#include <net/if.h>
#include <string.h>

#include "base/err.h"
#include "usn/registry.h"

#define DEVICES "/sys/fs/bpf/usn/maps/devices"

int registry_open(int *ret_fd, struct usn_err *e)
{
	int fd = bpf_obj_get(DEVICES);

	if (fd < 0)
		return usn_fail_errno(e, -fd, "cannot open %s", DEVICES);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	*ret_fd = fd;
	return 0;
}

static bool is_there(const struct usn_device *d)
{
	char name[IF_NAMESIZE];

	return d->ifindex && if_indextoname(d->ifindex, name) && !strcmp(name, d->name);
}

const struct usn_device *registry_next(struct registry *r)
{
	while (bpf_map_get_next_key(r->fd, r->begun ? &r->key : NULL, &r->key) == 0) {
		r->begun = true;
		if (bpf_map_lookup_elem(r->fd, &r->key, &r->device) == 0 && is_there(&r->device))
			return &r->device;
	}
	return NULL;
}
