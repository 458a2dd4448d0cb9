// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Which interfaces there are to capture from. */
#include <stdio.h>
#include <string.h>
#include <usn/err.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "usn-extcap/interface.h"
#include "usn/registry.h"

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
	_cleanup_close_ int fd = -1;
	const struct usn_device *d;
	struct registry all;
	struct usn_err e;

	if (registry_open(&fd, &e) < 0)
		return;
	all = (struct registry){ .fd = fd };
	while ((d = registry_next(&all)))
		printf("interface {value=" PREFIX "%s}{display=%s: user-space network device}\n",
		       d->name, d->name);
	printf("interface {value=" PREFIX "all}{display=all user-space network devices}\n");
}
