/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who made a socket.
 *
 * Storage of its own costs a socket two allocations, a fifth to a third of socket() + close(),
 * and most sockets are never asked about. So sock_create writes the owner into a slot of an array,
 * found by the socket's cookie, and it moves into the socket's storage when the socket is first
 * put to use (connect, bind) or first seen by a tap.
 * A slot is overwritten by the socket made USN_NEWBORNS sockets later; the cookie inside tells,
 * and an owner that is gone is reported as unknown, never as somebody else.
 */
#ifndef USN_OWNER_BPF_H
#define USN_OWNER_BPF_H

#include "maps.bpf.h"
#include "order.bpf.h"

static __always_inline struct usn_owner *newborn_slot(__u64 cookie)
{
	__u32 slot = cookie & (USN_NEWBORNS - 1);

	return bpf_map_lookup_elem(&newborns, &slot);
}

static __always_inline void owner_fill(struct usn_owner *o, __u64 cgroup_id)
{
	__u64 id = bpf_get_current_pid_tgid();

	o->cgroup_id = cgroup_id;
	o->pid = id >> 32;
	o->tid = (__u32)id;
	o->reserved = 0;
	bpf_get_current_comm(o->comm, sizeof(o->comm));
}

/* At sock_create. The cookie is cleared first and written last: it vouches for the rest. */
static __always_inline void owner_born(__u64 cookie, __u64 cgroup_id)
{
	struct usn_owner *o = newborn_slot(cookie);

	if (!o)
		return;
	store_in_order(&o->cookie, 0);
	owner_fill(o, cgroup_id);
	store_in_order(&o->cookie, cookie);
}

/* Copies the newborn's owner; false when the slot is another socket's by now. */
static __always_inline bool owner_of_newborn(__u64 cookie, struct usn_owner *ret)
{
	struct usn_owner *o = newborn_slot(cookie);

	if (!o || load_in_order(&o->cookie) != cookie)
		return false;
	*ret = *o;
	return load_in_order(&o->cookie) == cookie;
}

#endif
