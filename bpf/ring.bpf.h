/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The ring of a tap: an array that the reader maps, written without a lock.
 *
 * The kernel's own ring buffer takes a lock with interrupts off for each record, which costs more than all else that a
 * tap does. Here a record's place is taken by one compare-and-exchange of the head, and the record is handed over by the
 * seal, so that several processors fill theirs side by side. Without room nothing is taken.
 *
 * What a record costs after that is the memory it is written to: a ring that is gone round is written to where it has
 * been longest out of the caches. So it is of chunks, and the chunk that the reader gave back last is the next: as long as
 * the reader keeps up it is two that are in use, and when it does not there are the others.
 *
 * The seal of a record is its place, mixed with a number that only this tap knows: whatever packets of an earlier
 * round have left there, it is not the seal.
 */
#ifndef USN_RING_BPF_H
#define USN_RING_BPF_H

#include <bpf/bpf_helpers.h>
#include <usn/abi.h>

#include "tap_constants.h"
#include "writers.bpf.h"

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

struct taken {
	struct usn_slot *slot;
	__u64 place;
	bool turned; /* it is the first of a chunk */
};

static __always_inline __u8 *ring_memory(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&ring, &zero);
}

static __always_inline __u64 ring_offset(__u64 head)
{
	return (head & ((1 << USN_RING_CHUNK_SHIFT) - 1)) * 8;
}

static __always_inline struct usn_slot *ring_slot(__u8 *memory, __u64 place)
{
	__u64 chunk = (place >> USN_RING_CHUNK_SHIFT) & (USN_RING_CHUNKS - 1);

	__u64 size = TAP_CONSTANT(TAP_CHUNKS) * TAP_CONSTANT(TAP_CHUNK_BYTES);

	/* The mask changes nothing, and shows it to the verifier. */
	return (void *)(memory + USN_RING_DATA +
			((chunk * TAP_CONSTANT(TAP_CHUNK_BYTES) + ring_offset(place)) &
			 (size - 8)));
}

/* A bit for each chunk that is in use. */
static __always_inline __u64 ring_busy(__u64 head, __u64 freed)
{
	return (head >> USN_RING_TAKEN_SHIFT ^ freed) & ((1 << USN_RING_CHUNKS) - 1);
}

/*
 * Whether the record goes into another chunk: there is no room here. Or, at half of it, the reader has given back all
 * others, so that the smaller half is enough, and smaller is faster.
 */
static __always_inline bool ring_turns(__u64 head, const volatile __u64 *freed, __u64 length)
{
	__u64 size = TAP_CONSTANT(TAP_CHUNK_BYTES), offset = ring_offset(head);
	__u64 busy;

	if (offset + length + sizeof(struct usn_slot) > size)
		return true;
	if (offset >= size / 2 || offset + length < size / 2)
		return false;
	busy = ring_busy(head, *freed);
	return !(busy & (busy - 1));
}

#define NO_CHUNK ~0ULL /* no place at the beginning of a chunk is this */

/* The beginning of the next chunk; NO_CHUNK: none is free. */
static __noinline __u64 ring_turn(__u64 head, __u64 freed, __u64 chunks)
{
	__u64 taken = head >> USN_RING_TAKEN_SHIFT, busy = ring_busy(head, freed), turn, chunk;
	int i;

	chunk = (freed >> USN_RING_LAST_SHIFT) & (USN_RING_CHUNKS - 1);
	for (i = 0; i < USN_RING_CHUNKS && (chunk >= chunks || busy >> chunk & 1); i++)
		chunk = i;
	if (busy >> chunk & 1 || chunk >= chunks)
		return NO_CHUNK;
	/* The count goes round in its bits. */
	turn = ((head & USN_RING_PLACE) >> USN_RING_TURN_SHIFT) + 1;
	return (taken ^ 1 << chunk) << USN_RING_TAKEN_SHIFT |
	       ((turn << USN_RING_TURN_SHIFT) & USN_RING_PLACE) | chunk << USN_RING_CHUNK_SHIFT;
}

static __always_inline void ring_bell(void)
{
	void *b = bpf_ringbuf_reserve(&bell, 8, 0);

	/* If there is no room, it was rung often enough. */
	if (b)
		bpf_ringbuf_discard(b, BPF_RB_FORCE_WAKEUP);
}

/*
 * Hands over what was written behind the slot. An exchange waits until all of that has reached the cache, which the
 * reader's processor has most of; x86 keeps the order of stores without it.
 */
static __always_inline void ring_seal(struct usn_slot *slot, __u64 place)
{
	__u64 seal = (place & USN_RING_PLACE) ^ TAP_CONSTANT(TAP_SECRET);

#ifdef __TARGET_ARCH_x86
	if (!TAP_CONSTANT(TAP_WAKE_EACH)) {
		barrier();
		*(volatile __u64 *)&slot->seal = seal;
		return;
	}
#endif
	__sync_lock_test_and_set(&slot->seal, seal);
}

static __always_inline void ring_end_chunk(__u8 *memory, __u64 end, __u64 next)
{
	struct usn_slot *slot = ring_slot(memory, end);

	slot->length = 0;
	slot->next = (next >> USN_RING_CHUNK_SHIFT) & (USN_RING_CHUNKS - 1);
	ring_seal(slot, end);
}

/* Takes length bytes, a multiple of 8. False: there is no room. */
static __always_inline bool ring_take(__u8 *memory, struct writers *w, __u64 length,
				      struct taken *ret)
{
	volatile __u64 *head = &w->head;
	const volatile __u64 *freed = (void *)(memory + USN_RING_FREED);
	__u64 old, at;
	int i;

	if (length + sizeof(struct usn_slot) > TAP_CONSTANT(TAP_CHUNK_BYTES))
		return false;
	for (i = 0; i < TRIES; i++) {
		old = *head;
		at = old;
		ret->turned = ring_turns(old, freed, length);
		if (ret->turned) {
			at = ring_turn(old, *freed, TAP_CONSTANT(TAP_CHUNKS));
			if (at == NO_CHUNK)
				return false;
		}
		if (__sync_val_compare_and_swap(head, old, at + length / 8) != old)
			continue;
		if (ret->turned)
			ring_end_chunk(memory, old, at);
		ret->slot = ring_slot(memory, at);
		ret->place = at & USN_RING_PLACE;
		return true;
	}
	return false;
}

/*
 * The lines of the place are in the cache of the reader's processor, and the first store to each waits until it has been given
 * up there. Begun here, that goes on while the rest is found out; begun at the end, the next locked instruction of
 * the kernel's waited for it, a fifth of what a tap cost.
 */
static __always_inline void ring_touch(const struct taken *t, __u64 length)
{
	volatile __u64 *words = (void *)t->slot;

	t->slot->length = length;
	words[8] = 0;
	if (length > 128)
		words[16] = 0;
	if (length > 192)
		words[24] = 0;
}

/* The look at where the reader waits has to come after the seal: the reader looks the other way round. */
static __always_inline void ring_give(__u8 *memory, const struct taken *t)
{
	const volatile __u64 *read = (void *)(memory + USN_RING_READ);

	ring_seal(t->slot, t->place);
	if (t->turned || (TAP_CONSTANT(TAP_WAKE_EACH) && *read == t->place))
		ring_bell();
}

#endif
