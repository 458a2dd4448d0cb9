/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The ring of a tap: an array that the reader maps, written without a lock.
 *
 * The kernel's own ring buffer takes a lock with interrupts off for each record,
 * which costs more than all else that a tap does. Here a record's place is taken by
 * one compare-and-exchange of the head, and the record is handed over by the seal,
 * so that several processors fill theirs side by side. Without room nothing is taken.
 *
 * What a record costs after that is the memory it is written to:
 * a ring that is gone round is written to where it has been longest out of the caches. So it is of
 * chunks, and the chunk that the reader gave back last is the next: as long as the reader keeps up
 * it is a quarter of them that are in use, and when it does not there are the others.
 *
 * The seal of a record is its place, mixed with a number that only this tap knows:
 * whatever packets of an earlier round have left there, it is not the seal.
 */
#ifndef USN_RING_BPF_H
#define USN_RING_BPF_H

#include <bpf/bpf_helpers.h>
#include <usn/abi.h>

#include "likely.bpf.h"
#include "order.bpf.h"
#include "tap_constants.h"
#include "writers.bpf.h"

/* A ring buffer of the kernel's, of which nothing is used but the wake-up. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} bell SEC(".maps");

#define TRIES 16 /* as many processors may be quicker */

struct taken {
	struct usn_slot *slot;
	__u64 place;
	bool wakes; /* the reader is to be woken */
};

/* For what is not inline. */
struct ring_shape {
	__u64 chunk_bytes, chunks, mask, secret, wake_each;
};

static __always_inline __u64 ring_offset(__u64 head)
{
	return (head & ((1 << USN_RING_CHUNK_SHIFT) - 1)) * 8;
}

static __always_inline struct usn_slot *ring_slot(__u8 *memory, __u64 place, __u64 chunk_bytes,
						  __u64 mask)
{
	__u64 chunk = (place >> USN_RING_CHUNK_SHIFT) & (USN_RING_CHUNKS - 1);

	/* The mask changes nothing, and shows it to the verifier. */
	return (void *)(memory + USN_RING_DATA +
			((chunk * chunk_bytes + ring_offset(place)) & mask));
}

static __always_inline __u64 ring_seal_of(__u64 place, __u64 secret)
{
	return (place & USN_RING_PLACE) ^ secret;
}

/* A bit for each chunk that is in use. */
static __always_inline __u64 ring_busy(__u64 head, __u64 freed)
{
	return (head >> USN_RING_TAKEN_SHIFT ^ freed) & ((1 << USN_RING_CHUNKS) - 1);
}

/* Whether there is room for a record, and the slot behind it, in the chunk that the head is in. */
static __always_inline bool ring_stays(__u64 head, __u64 length, __u64 chunk_bytes)
{
	return ring_offset(head) + length + sizeof(struct usn_slot) <= chunk_bytes;
}

#define NO_PLACE ~0ULL

/* The beginning of the next chunk; NO_PLACE: none is free. */
static __always_inline __u64 ring_turn(__u64 head, __u64 freed, __u64 chunks)
{
	__u64 taken = head >> USN_RING_TAKEN_SHIFT, busy = ring_busy(head, freed), turn, chunk;
	int i;

	chunk = (freed >> USN_RING_LAST_SHIFT) & (USN_RING_CHUNKS - 1);
	for (i = 0; i < USN_RING_CHUNKS && (chunk >= chunks || busy >> chunk & 1); i++)
		chunk = i;
	if (busy >> chunk & 1 || chunk >= chunks)
		return NO_PLACE;
	/* The count goes round in its bits. */
	turn = ((head & USN_RING_PLACE) >> USN_RING_TURN_SHIFT) + 1;
	return (taken ^ 1 << chunk) << USN_RING_TAKEN_SHIFT |
	       ((turn << USN_RING_TURN_SHIFT) & USN_RING_PLACE) | chunk << USN_RING_CHUNK_SHIFT;
}

/*
 * The reader looks by its own clock about as often as a quarter of the ring is filled.
 * It is woken when it is behind that: half of the chunks, with the one that ends here,
 * are not read to their ends.
 */
static __always_inline bool ring_is_behind(__u64 head, __u64 freed, __u64 chunks)
{
	return 2 * (__u64)__builtin_popcountll(ring_busy(head, freed)) >= chunks;
}

static __always_inline void ring_bell(void)
{
	void *b = bpf_ringbuf_reserve(&bell, 8, 0);

	/* If there is no room, it was rung often enough. */
	if (b)
		bpf_ringbuf_discard(b, BPF_RB_FORCE_WAKEUP);
}

/*
 * Hands over what was written behind the slot. An exchange also keeps the loads behind
 * it in their place. It waits until all that was written has reached the cache,
 * which the reader's processor has most of: where x86 can do without, it does.
 */
static __always_inline void ring_seal(struct usn_slot *slot, __u64 seal, bool before_loads)
{
	if (before_loads)
		__sync_lock_test_and_set(&slot->seal, seal);
	else
		store_in_order(&slot->seal, seal);
}

static __always_inline void ring_end_chunk(__u8 *memory, const struct ring_shape *s, __u64 end,
					   __u64 next)
{
	struct usn_slot *slot = ring_slot(memory, end, s->chunk_bytes, s->mask);

	slot->length = 0;
	slot->next = (next >> USN_RING_CHUNK_SHIFT) & (USN_RING_CHUNKS - 1);
	ring_seal(slot, ring_seal_of(end, s->secret), true);
}

#define AGAIN ~1ULL

/* A place; NO_PLACE: there is none; AGAIN: another processor was quicker. */
static __noinline __u64 ring_try(__u8 *memory, struct writers *w, __u64 length,
				 const struct ring_shape *s, bool *ret_wakes)
{
	const volatile __u64 *freed = (void *)(memory + USN_RING_FREED);
	const volatile __u64 *read = (void *)(memory + USN_RING_READ);
	/*
	 * The head first: then what is freed is as new, and a chunk that both agree on is free.
	 * Loaded the other way round, a chunk may have been given back and taken again in between,
	 * and would look free while another fills it.
	 */
	__u64 old = load_in_order(&w->head), free = *freed, at = old;
	bool turns = !ring_stays(old, length, s->chunk_bytes);

	if (turns) {
		at = ring_turn(old, free, s->chunks);
		if (at == NO_PLACE)
			return NO_PLACE;
	}
	if (__sync_val_compare_and_swap(&w->head, old, at + length / 8) != old)
		return AGAIN;
	if (turns) {
		ring_end_chunk(memory, s, old, at);
		/* It may wait at the end of the old chunk, for a record that is in another. */
		*ret_wakes = ring_is_behind(old, free, s->chunks) ||
			     (s->wake_each && *read == (old & USN_RING_PLACE));
	}
	return at;
}

/*
 * As ring_take(), where the record is perhaps the first of a chunk,
 * or another processor was quicker. NO_PLACE: there is no room.
 * The loop has nothing but a call in it: Linux 6.1 takes a jump back, but no way to fall back.
 */
static __noinline __u64 ring_take_slowly(__u8 *memory, struct writers *w, __u64 length,
					 const struct ring_shape *s, bool *ret_wakes)
{
	__u64 at = NO_PLACE;
	int i;

	if (length + sizeof(struct usn_slot) > s->chunk_bytes)
		return NO_PLACE;
	for (i = 0; i < TRIES; i++) {
		at = ring_try(memory, w, length, s, ret_wakes);
		if (at != AGAIN)
			return at;
	}
	return NO_PLACE;
}

/* Takes length bytes, a multiple of 8. False: there is no room. */
static __always_inline bool ring_take(__u8 *memory, struct writers *w, __u64 length,
				      struct taken *ret)
{
	__u64 at = *(volatile __u64 *)&w->head;
	bool wakes = false;

	if (unlikely(!ring_stays(at, length, TAP_CONSTANT(TAP_CHUNK_BYTES)) ||
		     __sync_val_compare_and_swap(&w->head, at, at + length / 8) != at)) {
		const struct ring_shape s = { TAP_CONSTANT(TAP_CHUNK_BYTES),
					      TAP_CONSTANT(TAP_CHUNKS), TAP_CONSTANT(TAP_RING_MASK),
					      TAP_CONSTANT(TAP_SECRET),
					      TAP_CONSTANT(TAP_WAKE_EACH) };

		at = ring_take_slowly(memory, w, length, &s, &wakes);
		if (at == NO_PLACE)
			return false;
	}
	ret->slot =
		ring_slot(memory, at, TAP_CONSTANT(TAP_CHUNK_BYTES), TAP_CONSTANT(TAP_RING_MASK));
	ret->place = at & USN_RING_PLACE;
	ret->wakes = wakes;
	return true;
}

/*
 * The lines of the place are in the cache of the reader's processor,
 * and the first store to each waits until it has been given up there.
 * Begun here, that goes on while the rest is found out; begun at the end,
 * the next locked instruction of the kernel's waited for it, a fifth of what a tap cost.
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

/*
 * The look at where the reader waits has to come after the seal:
 * the reader looks the other way round.
 */
static __always_inline void ring_give(__u8 *memory, const struct taken *t)
{
	const volatile __u64 *read = (void *)(memory + USN_RING_READ);

	ring_seal(t->slot, ring_seal_of(t->place, TAP_CONSTANT(TAP_SECRET)),
		  TAP_CONSTANT(TAP_WAKE_EACH));
	if (unlikely(t->wakes) || (TAP_CONSTANT(TAP_WAKE_EACH) && *read == t->place))
		ring_bell();
}

#endif
