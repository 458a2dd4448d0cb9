/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Processes that a file has heard of: each pid with each command that it went by,
 * in each cgroup that it was in.
 */
#ifndef USN_PROCESSES_H
#define USN_PROCESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <usn/abi.h>

struct process_seen {
	uint64_t cgroup_id;
	char comm[USN_COMM_SIZE];
	uint32_t pid; /* 0: the slot is free */
};

struct processes {
	struct process_seen *slots; /* size of them, a power of two; NULL: none yet */
	size_t size, n;
	struct process_seen last;
};

/* Nearly always it is who it was before. */
static inline bool processes_is_last(const struct processes *p, const struct usn_record *rec)
{
	return rec->pid == p->last.pid && rec->cgroup_id == p->last.cgroup_id &&
	       !memcmp(rec->comm, p->last.comm, sizeof(p->last.comm));
}

/*
 * 1: rec's owner is new, and from now on it is not; 0:
 * it is not, or nobody is known; -ENOMEM: nobody knows.
 */
int processes_note(struct processes *p, const struct usn_record *rec);

void processes_forget(struct processes *p);

#endif
