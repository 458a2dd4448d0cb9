// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A set of processes, by open addressing. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "capture/processes.h"

#define SIZE_FIRST 64

static bool same(const struct process_seen *s, const struct process_seen *t)
{
	return s->pid == t->pid && s->cgroup_id == t->cgroup_id &&
	       !memcmp(s->comm, t->comm, sizeof(s->comm));
}

/* Where it is, or where it would have to be. */
static struct process_seen *place(const struct processes *p, const struct process_seen *t)
{
	size_t i = t->pid * 2654435761u;

	for (;; i++) {
		struct process_seen *s = &p->slots[i & (p->size - 1)];

		if (!s->pid || same(s, t))
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
			*place(&larger, &p->slots[i]) = p->slots[i];
	}
	free(p->slots);
	larger.last = p->last;
	*p = larger;
	return 0;
}

int processes_note(struct processes *p, const struct usn_record *rec)
{
	struct process_seen who, *s;

	if (!rec->pid || processes_is_last(p, rec))
		return 0;
	who = (struct process_seen){ .cgroup_id = rec->cgroup_id, .pid = rec->pid };
	memcpy(who.comm, rec->comm, sizeof(who.comm));
	if (2 * p->n >= p->size && grow(p) < 0)
		return -ENOMEM;
	p->last = who;
	s = place(p, &who);
	if (s->pid)
		return 0;
	*s = who;
	p->n++;
	return 1;
}

void processes_forget(struct processes *p)
{
	free(p->slots);
	*p = (struct processes){ 0 };
}
