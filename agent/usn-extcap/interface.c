// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Which interfaces there are to capture from. */
#include <bpf/bpf.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <usn/abi.h>
#include <usn/err.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "usn-extcap/interface.h"

/* The agent's own map, read without it: who only lists interfaces should not start an agent. */
#define REGISTRY "/sys/fs/bpf/usn/maps/devices"
#define PREFIX "usn_"

const char *interface_device(const char *name)
{
	const char *device = name + strlen(PREFIX);
	struct usn_err e;
	uint32_t number;

	if (strncmp(name, PREFIX, strlen(PREFIX)) != 0)
		return NULL;
	return !strcmp(device, "all") || parse_device(device, &number, &e) >= 0 ? device : NULL;
}

void interface_list(void)
{
	_cleanup_close_ int fd = bpf_obj_get(REGISTRY);
	uint32_t key, *last = NULL;
	struct usn_device entry;
	char name[IF_NAMESIZE];

	if (fd < 0)
		return;
	while (bpf_map_get_next_key(fd, last, &key) == 0) {
		last = &key;
		/* One that was renamed or removed by other hands is not a device any more. */
		if (bpf_map_lookup_elem(fd, &key, &entry) < 0 || !entry.ifindex ||
		    !if_indextoname(entry.ifindex, name) || strcmp(name, entry.name) != 0)
			continue;
		printf("interface {value=" PREFIX "%s}{display=%s: user-space network device}\n",
		       name, name);
	}
	printf("interface {value=" PREFIX "all}{display=all user-space network devices}\n");
}
