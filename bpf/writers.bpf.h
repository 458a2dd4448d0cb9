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

/*
 * pid, tid and comm stand alike in both owners, on a multiple of 8 bytes: three words are copied.
 * Unless it is told so, the compiler copies six.
 */
#define PROCESS_SIZE (sizeof(struct usn_packet_owner) - offsetof(struct usn_packet_owner, pid))
_Static_assert(PROCESS_SIZE == offsetof(struct usn_owner, reserved) -
				       offsetof(struct usn_owner, pid) &&
		       !(offsetof(struct usn_packet_owner, pid) % 8) &&
		       !(offsetof(struct usn_owner, pid) % 8),
	       "alike in both");

static __always_inline void copy_process(__u32 *to_pid, const __u32 *from_pid)
{
	__builtin_memcpy(__builtin_assume_aligned(to_pid, 8), __builtin_assume_aligned(from_pid, 8),
			 PROCESS_SIZE);
}

static __always_inline void owned_by(struct usn_packet_owner *p, const struct usn_owner *o)
{
	p->cgroup_id = o->cgroup_id;
	copy_process(&p->pid, &o->pid);
}

/* But for the cookie: the socket is known. */
static __always_inline void owned_by_nobody(struct usn_packet_owner *p)
{
	p->cgroup_id = 0;
	p->pid = 0;
	p->tid = 0;
	__builtin_memset(p->comm, 0, sizeof(p->comm));
}

static __always_inline struct recent *recent_of(struct writers *w, __u64 cookie)
{
	return &w->recent[cookie & (RECENT - 1)];
}

/* The owner of a socket that was seen not long ago. False: something else may be in t by then. */
static __always_inline bool recall_owner(const struct recent *r, __u64 cookie,
					 struct usn_packet_owner *p)
{
	if (!cookie || load_in_order((__u64 *)&r->owner.cookie) != cookie)
		return false;
	owned_by(p, &r->owner);
	/* Another's may have come there meanwhile. */
	return load_in_order((__u64 *)&r->owner.cookie) == cookie;
}

/*
 * Nobody reads it while it is written, because it has no cookie then.
 * Two at once would mix theirs: one is enough.
 */
static __always_inline void remember_owner(struct recent *r, const struct usn_packet_owner *p,
					   bool echoes)
{
	if (!p->cookie || __sync_lock_test_and_set(&r->busy, 1))
		return;
	__sync_lock_test_and_set(&r->owner.cookie, 0);
	r->echoes = echoes;
	r->owner.cgroup_id = p->cgroup_id;
	copy_process(&r->owner.pid, &p->pid);
	__sync_lock_test_and_set(&r->owner.cookie, p->cookie);
	__sync_lock_test_and_set(&r->busy, 0);
}

#endif
