/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the programs of a tap share, and its reader has no need of.
 *
 * It is on one page. A page that a system call has not touched yet is found by a walk through the page tables, which takes
 * as long as all that is done there: so there is this one and that of the record, and none for the owner. And it is not
 * mapped: no reader can change where the next record goes.
 */
#ifndef USN_WRITERS_BPF_H
#define USN_WRITERS_BPF_H

#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include <usn/abi.h>

#define RECENT 32 /* a power of two */

struct recent {
	__u64 busy; /* 1: somebody writes it */
	struct usn_owner owner;
};

struct writers {
	__u64 head;                   /* of the ring: where the next record goes, see usn/abi.h */
	__u64 lost;                   /* as USN_RING_LOST, which is on another page */
	struct recent recent[RECENT]; /* by the low bits of the cookie */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct writers);
} writers SEC(".maps");

static __always_inline struct writers *writers_memory(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&writers, &zero);
}

/* Loads and stores before it are done before it, and those behind it after. x86 keeps the order of these without it. */
static __always_inline __u64 in_order(__u64 *p)
{
#ifdef __TARGET_ARCH_x86
	__u64 value;

	barrier();
	value = *(volatile __u64 *)p;
	barrier();
	return value;
#else
	return __sync_fetch_and_add(p, 0);
#endif
}

/* The owner of a socket that was seen not long ago. */
static __always_inline bool recall_owner(struct writers *w, __u64 cookie, struct usn_owner *ret)
{
	struct usn_owner *o = &w->recent[cookie & (RECENT - 1)].owner;

	if (!cookie || in_order(&o->cookie) != cookie)
		return false;
	*ret = *o;
	/* Another's may have come there meanwhile. */
	return in_order(&o->cookie) == cookie;
}

/* Nobody reads it while it is written, because it has no cookie then. Two at once would mix theirs: one is enough. */
static __always_inline void remember_owner(struct writers *w, __u64 cookie,
					   const struct usn_owner *owner)
{
	struct recent *r = &w->recent[cookie & (RECENT - 1)];

	if (!cookie || __sync_lock_test_and_set(&r->busy, 1))
		return;
	__sync_lock_test_and_set(&r->owner.cookie, 0);
	r->owner.cgroup_id = owner->cgroup_id;
	r->owner.pid = owner->pid;
	r->owner.tid = owner->tid;
	__builtin_memcpy(r->owner.comm, owner->comm, sizeof(r->owner.comm));
	__sync_lock_test_and_set(&r->owner.cookie, cookie);
	__sync_lock_test_and_set(&r->busy, 0);
}

#endif
