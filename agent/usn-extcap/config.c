// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The options of an interface, as a table.
 * The capture filter is not among them: Wireshark has a field of its own for it. The sentences are
 * those of Wireshark's doc/extcap_example.py and its developer's guide, "Extcap".
 */
#include <stdio.h>

#include "base/cleanup.h"
#include "usn-extcap/config.h"
#include "usn-extcap/options.h"

static const struct {
	const char *option, *display, *tooltip, *group;
	const char *type; /* with default, range and validation, as the sentence has them */
	const char *const *values; /* of a selector: value, display; the first is the default */
} args[N_SETTINGS] = {
	[SET_SNAPLEN] = { "snaplen", "Snap length", "Keep the first bytes of a packet, so many",
			  "Packets", "{type=unsigned}{range=1,65535}{default=65535}", NULL },
	[SET_DIRECTION] = { "direction", "Direction", "Seen from the host", "Packets",
			    "{type=selector}",
			    (const char *const[]){ "inout", "In and out", "in", "In, to the host",
						   "out", "Out, from the host", NULL } },
	[SET_PID] = { "pid", "Process", "Only packets of the process with this number", "Owner",
		      "{type=string}{validation=^[0-9]*$}", NULL },
	[SET_COMM] = { "comm", "Command", "Only packets of processes of this name", "Owner",
		       "{type=string}", NULL },
	[SET_RUN] = { "run", "Run", "Only packets of this run, as usn0-1, or of a cgroup", "Owner",
		      "{type=string}", NULL },
	[SET_RING] = { "ring", "Ring size", "Room for what is not read yet: 4K to 1G", "Buffer",
		       "{type=string}{validation=^[0-9]+[KMG]?$}{default=8M}", NULL },
	[SET_IMMEDIATE] = { "immediate", "Immediate",
			    "Each packet at once, instead of within 40 ms", "Buffer",
			    "{type=boolflag}{default=false}", NULL },
};

static void list_values(size_t i)
{
	const char *const *v;

	for (v = args[i].values; v && *v; v += 2)
		printf("value {arg=%zu}{value=%s}{display=%s}{default=%s}\n", i, v[0], v[1],
		       v == args[i].values ? "true" : "false");
}

void config_list(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(args); i++)
		printf("arg {number=%zu}{call=--%s}{display=%s}{tooltip=%s}%s{required=false}"
		       "{group=%s}\n",
		       i, args[i].option, args[i].display, args[i].tooltip, args[i].type,
		       args[i].group);
	for (i = 0; i < ARRAY_SIZE(args); i++)
		list_values(i);
}
