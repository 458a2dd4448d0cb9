/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Processes that a file has heard of: each pid with each command that it went by. */
#ifndef USN_PROCESSES_H
#define USN_PROCESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <usn/abi.h>

struct process_seen {
	uint32_t pid; /* 0: the slot is free */
	char comm[USN_COMM_SIZE];
};

struct processes {
	struct process_seen *slots; /* size of them, a power of two; NULL: none yet */
	size_t size, n;
	struct process_seen last;
};

/* Whether this one is new; then it is not any more. -ENOMEM: nobody knows. */
int processes_note(struct processes *p, uint32_t pid, const char comm[USN_COMM_SIZE]);

void processes_forget(struct processes *p);

#endif
