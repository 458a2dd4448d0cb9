/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The ring of a tap: an array that the reader maps, written without a lock.
 *
 * The kernel's own ring buffer takes a lock with interrupts off for each record, which costs more than all else that a
 * tap does. Here a record's place is taken by one compare-and-exchange of the head, and the record is handed over by the
 * seal, so that several processors fill theirs side by side. Without room nothing is taken.
 *
 * The seal of a record is its position, mixed with a number that only this tap knows: whatever packets of an earlier
 * round have left at that place, it is not the seal.
 */
#ifndef USN_RING_BPF_H
#define USN_RING_BPF_H

#include <bpf/bpf_helpers.h>
#include <usn/abi.h>

/* Set before the object is loaded. */
const volatile __u64 ring_bytes = 8 << 20; /* a power of two */
const volatile __u64 ring_secret = 1;
/* A power of two: the reader is woken each time that so many more bytes are in. 0: when it has read all before. */
const volatile __u64 wake_bytes = 1 << 20;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, USN_RING_DATA + (8 << 20) + USN_RING_SLACK);
} ring SEC(".maps");

/* A ring buffer of the kernel's, of which nothing is used but the wake-up. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} bell SEC(".maps");

#define TRIES 16 /* as many processors may be quicker */

static __always_inline __u8 *ring_memory(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&ring, &zero);
}

/* Takes length bytes, a multiple of 8. False: there is no room. */
static __always_inline bool ring_take(__u8 *memory, __u64 length, __u64 *ret_pos)
{
	volatile __u64 *head = (void *)(memory + USN_RING_HEAD);
	volatile __u64 *tail = (void *)(memory + USN_RING_TAIL);
	__u64 pos;
	int i;

	for (i = 0; i < TRIES; i++) {
		pos = *head;
		if (pos + length - *tail > ring_bytes)
			return false;
		if (__sync_val_compare_and_swap(head, pos, pos + length) == pos) {
			*ret_pos = pos;
			return true;
		}
	}
	return false;
}

static __always_inline void ring_bell(void)
{
	void *b = bpf_ringbuf_reserve(&bell, 8, 0);

	/* If there is no room, it was rung often enough. */
	if (b)
		bpf_ringbuf_discard(b, BPF_RB_FORCE_WAKEUP);
}

/*
 * Hands the record over. An exchange waits until all that was written before has reached the cache, which the reader's
 * processor has most of; x86 keeps the order of stores without that.
 */
static __always_inline void ring_seal(struct usn_slot *slot, __u64 seal)
{
#ifdef __TARGET_ARCH_x86
	if (wake_bytes) {
		barrier();
		*(volatile __u64 *)&slot->seal = seal;
		return;
	}
#endif
	__sync_lock_test_and_set(&slot->seal, seal);
}

/* Without wake_bytes the look at the tail has to come after the seal: the reader looks the other way round. */
static __always_inline void ring_give(__u8 *memory, struct usn_slot *slot, __u64 pos, __u64 length)
{
	const volatile __u64 *tail = (void *)(memory + USN_RING_TAIL);

	slot->length = length;
	ring_seal(slot, pos ^ ring_secret);
	if (wake_bytes ? ((pos ^ (pos + length)) & ~(wake_bytes - 1)) != 0 : *tail == pos)
		ring_bell();
}

#endif
