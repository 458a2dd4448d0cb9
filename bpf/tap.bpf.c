// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A tap: one subscriber's packets, each with the nanosecond and the owner.
 *
 * Every tap loads these programs for itself, with its own ring and its own constants, and hangs them on its
 * devices. A filter, if there is one, stands before them and jumps to them by stages. They never change
 * a packet or its way: whatever happens here, the next program is asked.
 */
#include "vmlinux.h"

#include <stdbool.h>
#include <stddef.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "maps.bpf.h"
#include "owner.bpf.h"
#include "ring.bpf.h"
#include "tapped.bpf.h"

/* ifindex -> slot of the count of what it lost because the ring was full. Who opens the tap makes the entries. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, USN_DEVICES_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, __u32);
} losses SEC(".maps");

/* Where a filter goes on, for packets in and out: with what matches, and with what it leaves to its other form. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} stages SEC(".maps");

/* Where the device's lost packets are counted; NULL: nowhere. */
static __always_inline __u64 *losses_of(__u8 *memory, __u32 ifindex)
{
	const __u32 *slot = bpf_map_lookup_elem(&losses, &ifindex);

	if (!slot)
		return NULL;
	return (__u64 *)(memory + USN_RING_LOSSES + (*slot & (USN_DEVICES_MAX - 1)) * 8);
}

static __always_inline void count_lost(__u8 *memory, struct writers *w, __u32 ifindex)
{
	__u64 *n = losses_of(memory, ifindex);

	if (n)
		__sync_fetch_and_add(n, 1);
	__sync_fetch_and_add((__u64 *)(memory + USN_RING_LOST), 1);
	__sync_fetch_and_add(&w->lost, 1);
}

/* Nearly always there are none, which takes no look-up. */
static __always_inline __u64 lost_of(__u8 *memory, const struct writers *w, __u32 ifindex)
{
	const __u64 *n = w->lost ? losses_of(memory, ifindex) : NULL;

	return n ? *n : 0;
}

static __always_inline void fill_owner(struct usn_record *r, const struct tapped *t)
{
	const struct usn_owner *o = t->owner;

	r->cgroup_id = o ? o->cgroup_id : 0;
	r->pid = o ? o->pid : 0;
	r->tid = o ? o->tid : 0;
	if (o)
		__builtin_memcpy(r->comm, o->comm, sizeof(r->comm));
	else
		__builtin_memset(r->comm, 0, sizeof(r->comm));
}

static __always_inline void fill(struct usn_record *r, struct __sk_buff *skb, __u8 direction,
				 const struct tapped *t)
{
	r->cookie = t->cookie;
	fill_owner(r, t);
	r->ifindex = skb->ifindex;
	r->len = skb->len;
	r->protocol = bpf_ntohs(skb->protocol);
	r->direction = direction;
	r->flags = packet_flags(skb);
	r->gso_size = skb->gso_size;
	r->gso_segs = skb->gso_segs;
	r->reserved = 0;
}

static __always_inline void capture(struct __sk_buff *skb, __u8 direction, struct tapped *t,
				    struct writers *w, __u32 caplen)
{
	__u64 length = sizeof(struct usn_slot) + sizeof(struct usn_record);
	__u8 *memory = ring_memory();
	struct usn_record *r;
	struct taken taken;
	__u32 others = caplen - 1;

	/*
	 * The caller has seen to it; this shows it to the verifier. That of Linux 6.1 does not conclude from "is not 0" that
	 * it is 1 or more, so it gets a number less than the limit and one more than that.
	 */
	barrier_var(others);
	if (!memory || others >= USN_SNAPLEN_MAX)
		return;
	caplen = others + 1;
	length += (caplen + 7) & ~7ULL;
	if (!ring_take(memory, w, length, &taken))
		return count_lost(memory, w, skb->ifindex);
	ring_touch(&taken, length);
	r = (void *)(taken.slot + 1);
	/* First of all, and where the place in the ring is fixed: the order of times is the order of records. */
	r->mono_ns = bpf_ktime_get_ns();
	r->lost = lost_of(memory, w, skb->ifindex);
	if (!selects())
		look_at(t, w, skb, direction);
	fill(r, skb, direction, t);
	r->caplen = bpf_skb_load_bytes(skb, 0, r + 1, caplen) ? 0 : caplen;
	ring_give(memory, &taken);
}

/* Who owns a packet that is captured in any case is found out when its place is taken. */
static __always_inline int tap(struct __sk_buff *skb, __u8 direction)
{
	__u32 snaplen = TAP_CONSTANT(TAP_SNAPLEN);
	__u32 caplen = skb->len < snaplen ? skb->len : snaplen;
	struct writers *w = writers_memory();
	struct tapped t = {};

	if (!caplen || !w)
		return TCX_NEXT;
	if (selects()) {
		look_at(&t, w, skb, direction);
		if (!is_selected(&t))
			return TCX_NEXT;
	}
	capture(skb, direction, &t, w, caplen);
	return TCX_NEXT;
}

SEC("tc")
int usn_tap_in(struct __sk_buff *skb)
{
	return tap(skb, USN_DIR_IN);
}

SEC("tc")
int usn_tap_out(struct __sk_buff *skb)
{
	return tap(skb, USN_DIR_OUT);
}

char _license[] SEC("license") = "Dual BSD/GPL";
