// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A tap: one subscriber's packets, each with the nanosecond and the owner.
 *
 * Every tap loads these programs for itself, with its own ring and its own constants, and hangs
 * them on its devices. A filter, if there is one, stands before them and jumps to them by stages.
 * They never change a packet or its way: whatever happens here, the next program is asked.
 */
#include "vmlinux.h"

#include <stdbool.h>
#include <stddef.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "context.bpf.h"
#include "maps.bpf.h"
#include "owner.bpf.h"
#include "ring.bpf.h"
#include "packet_owner.bpf.h"

/*
 * ifindex -> slot of the count of what it lost because the ring was full.
 * Who opens the tap makes the entries.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, USN_DEVICES_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, __u32);
} losses SEC(".maps");

/*
 * Where a filter goes on, for packets in and out: with what matches,
 * and with what it leaves to its other form.
 */
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

static __noinline void count_lost(__u8 *memory, struct writers *w, __u32 ifindex)
{
	__u64 *n = losses_of(memory, ifindex);

	if (n)
		__sync_fetch_and_add(n, 1);
	__sync_fetch_and_add((__u64 *)(memory + USN_RING_LOST), 1);
	__sync_fetch_and_add(&w->lost, 1);
}

static __noinline __u64 lost_so_far(__u8 *memory, __u32 ifindex)
{
	const __u64 *n = losses_of(memory, ifindex);

	return n ? *n : 0;
}

static __always_inline void fill(struct usn_record *r, struct __sk_buff *skb, __u8 direction)
{
	__u32 gso_size = CTX_READ(skb, gso_size);

	r->ifindex = CTX_READ(skb, ifindex);
	r->len = CTX_READ(skb, len);
	r->protocol = bpf_ntohs(CTX_READ(skb, protocol));
	r->direction = direction;
	r->flags = packet_flags(skb, gso_size);
	r->gso_size = gso_size;
	r->gso_segs = unlikely(gso_size) ? CTX_READ(skb, gso_segs) : 0;
	r->reserved = 0;
}

/*
 * The same number, 1 to USN_SNAPLEN_MAX, as the verifier sees it. That of Linux 6.1 does
 * not conclude from "is not 0" that it is 1 or more, and forgets what it knew of what
 * was on the stack meanwhile.
 */
static __always_inline __u32 shown(__u32 caplen)
{
	__u32 others = caplen - 1;

	barrier_var(others);
	return (others & USN_SNAPLEN_MAX) + 1;
}

/* chosen: who owns it, if that is known already. */
static __always_inline void capture(struct __sk_buff *skb, __u8 direction,
				    const struct usn_packet_owner *chosen, struct writers *w,
				    __u32 caplen)
{
	__u64 length = sizeof(struct usn_slot) + sizeof(struct usn_record);
	__u8 *memory = TAP_MEMORY(TAP_MEMORY_RING);
	struct usn_record *r;
	struct taken taken;

	length += (caplen + 7) & ~7ULL;
	if (unlikely(!ring_take(memory, w, length, &taken)))
		return count_lost(memory, w, CTX_READ(skb, ifindex));
	ring_touch(&taken, length);
	r = (void *)(taken.slot + 1);
	/*
	 * First of all, and where the place in the ring is fixed:
	 * the order of times is the order of records.
	 */
	r->mono_ns = bpf_ktime_get_ns();
	r->lost = unlikely(w->lost) ? lost_so_far(memory, CTX_READ(skb, ifindex)) : 0;
	if (chosen)
		r->owner = *chosen;
	else
		look_at(&r->owner, w, skb, direction);
	fill(r, skb, direction);
	r->caplen = bpf_skb_load_bytes(skb, 0, r + 1, shown(caplen)) ? 0 : caplen;
	ring_give(memory, &taken);
}

/* Who owns a packet that is captured in any case is found out when its place is taken. */
static __always_inline int tap(struct __sk_buff *skb, __u8 direction)
{
	__u32 snaplen = TAP_CONSTANT(TAP_SNAPLEN);
	__u32 len = CTX_READ(skb, len), caplen = len < snaplen ? len : snaplen;
	struct writers *w = TAP_MEMORY(TAP_MEMORY_WRITERS);
	struct usn_packet_owner p;

	if (unlikely(!caplen))
		return TCX_NEXT;
	if (!selects()) {
		capture(skb, direction, NULL, w, caplen);
	} else {
		bool in_cgroup = look_at(&p, w, skb, direction);

		if (is_selected(&p, in_cgroup))
			capture(skb, direction, &p, w, caplen);
	}
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
