/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What proc(5) says about a process, as long as it is there to be asked. */
#ifndef USN_PROCESS_FACTS_H
#define USN_PROCESS_FACTS_H

#include <limits.h>
#include <stdint.h>
#include <usn/abi.h>

struct process_facts {
	uint32_t parent;       /* its process id, 0: unknown */
	uint32_t uid;          /* the real one, UINT32_MAX: unknown */
	uint64_t start_ns;     /* CLOCK_REALTIME, 0: unknown */
	char path[PATH_MAX];   /* of the program, "": unknown */
	char cgroup[PATH_MAX]; /* from the root of the cgroup v2 tree, "": unknown */
};

/*
 * rec has the owner, real_ns is its time.
 * If neither the process nor the thread goes by the owner's name, or if the process was not there
 * at that time, it is another one that has the pid now, and nothing is known.
 */
void process_facts_get(const struct usn_record *rec, uint64_t real_ns, struct process_facts *ret);

#endif
