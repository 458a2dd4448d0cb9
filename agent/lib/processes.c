// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A set of processes, by open addressing. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/processes.h"

#define SIZE_FIRST 64

static bool same(const struct process_seen *s, uint32_t pid, const char *comm)
{
	return s->pid == pid && !memcmp(s->comm, comm, sizeof(s->comm));
}

/* Where it is, or where it would have to be. */
static struct process_seen *place(const struct processes *p, uint32_t pid, const char *comm)
{
	size_t i = pid * 2654435761u;

	for (;; i++) {
		struct process_seen *s = &p->slots[i & (p->size - 1)];

		if (!s->pid || same(s, pid, comm))
			return s;
	}
}

static int grow(struct processes *p)
{
	struct processes larger = { .size = p->size ? 2 * p->size : SIZE_FIRST, .n = p->n };
	size_t i;

	larger.slots = calloc(larger.size, sizeof(*larger.slots));
	if (!larger.slots)
		return -ENOMEM;
	for (i = 0; i < p->size; i++) {
		if (p->slots[i].pid)
			*place(&larger, p->slots[i].pid, p->slots[i].comm) = p->slots[i];
	}
	free(p->slots);
	larger.last = p->last;
	*p = larger;
	return 0;
}

int processes_note(struct processes *p, uint32_t pid, const char comm[USN_COMM_SIZE])
{
	struct process_seen *s;

	/* Nearly always it is who it was before. */
	if (same(&p->last, pid, comm))
		return 0;
	if (2 * p->n >= p->size && grow(p) < 0)
		return -ENOMEM;
	p->last.pid = pid;
	memcpy(p->last.comm, comm, sizeof(p->last.comm));
	s = place(p, pid, comm);
	if (s->pid)
		return 0;
	*s = p->last;
	p->n++;
	return 1;
}

void processes_forget(struct processes *p)
{
	free(p->slots);
	*p = (struct processes){ 0 };
}
