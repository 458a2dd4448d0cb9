/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the programs of a tap share, and its reader has no need of.
 *
 * It is on one page.
 * A page that a system call has not touched yet is found by a walk through the page tables,
 * which takes as long as all that is done there: so there is this one and that of the record,
 * and none for the owner. And it is not mapped: no reader can change where the next record goes.
 */
#ifndef USN_WRITERS_BPF_H
#define USN_WRITERS_BPF_H

#include <stdbool.h>
#include <stddef.h>
#include <bpf/bpf_helpers.h>
#include <usn/abi.h>

#include "order.bpf.h"
#include "tap_constants.h"

#define RECENT 32 /* a power of two */

struct recent {
	__u32 busy;   /* 1: somebody writes it */
	__u32 echoes; /* 1: of its packets, echo requests are to be remembered */
	struct usn_owner owner;
};

/* Reached by TAP_MEMORY(TAP_MEMORY_WRITERS). */
struct writers {
	__u64 head;                   /* of the ring: where the next record goes, see usn/abi.h */
	__u64 lost;                   /* as USN_RING_LOST, which is on another page */
	struct recent recent[RECENT]; /* by the low bits of the cookie */
};

_Static_assert(sizeof(struct writers) <= TAP_WRITERS_BYTES, "the map is large enough");

/* The owner of a packet, as a record has it (struct usn_record). */
struct tapped {
	__u64 cgroup_id;
	__u64 cookie;
	__u32 pid; /* 0: unknown, or there is none */
	__u32 tid;
	char comm[USN_COMM_SIZE];
};

_Static_assert(sizeof(struct tapped) == offsetof(struct usn_record, ifindex) -
						offsetof(struct usn_record, cgroup_id),
	       "as in a record");

static __always_inline void tapped_by(struct tapped *t, const struct usn_owner *o)
{
	t->cgroup_id = o->cgroup_id;
	/* pid, tid, comm */
	__builtin_memcpy(&t->pid, &o->pid, sizeof(*t) - offsetof(struct tapped, pid));
}

static __always_inline void tapped_by_nobody(struct tapped *t)
{
	t->cgroup_id = 0;
	__builtin_memset(&t->pid, 0, sizeof(*t) - offsetof(struct tapped, pid));
}

static __always_inline struct recent *recent_of(struct writers *w, __u64 cookie)
{
	return &w->recent[cookie & (RECENT - 1)];
}

/* The owner of a socket that was seen not long ago. False: something else may be in t by then. */
static __always_inline bool recall_owner(const struct recent *r, __u64 cookie, struct tapped *t)
{
	if (!cookie || load_in_order((__u64 *)&r->owner.cookie) != cookie)
		return false;
	tapped_by(t, &r->owner);
	/* Another's may have come there meanwhile. */
	return load_in_order((__u64 *)&r->owner.cookie) == cookie;
}

/*
 * Nobody reads it while it is written, because it has no cookie then.
 * Two at once would mix theirs: one is enough.
 */
static __always_inline void remember_owner(struct recent *r, const struct tapped *t, bool echoes)
{
	if (!t->cookie || __sync_lock_test_and_set(&r->busy, 1))
		return;
	__sync_lock_test_and_set(&r->owner.cookie, 0);
	r->echoes = echoes;
	r->owner.cgroup_id = t->cgroup_id;
	__builtin_memcpy(&r->owner.pid, &t->pid, sizeof(*t) - offsetof(struct tapped, pid));
	__sync_lock_test_and_set(&r->owner.cookie, t->cookie);
	__sync_lock_test_and_set(&r->busy, 0);
}

#endif
