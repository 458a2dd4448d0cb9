/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The reading end of a tap's ring (bpf/ring.bpf.h).
 *
 * Records are handed out where they are, in order of their stamps.
 * Two processors may take their places in one order and stamp in the other;
 * so the reader looks a few records ahead, never waiting for them.
 */
#ifndef USN_RING_H
#define USN_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <usn/abi.h>

#define RING_AHEAD 16 /* records looked at ahead; more processors than this may swap two */
#define RING_FETCH 16 /* records fetched ahead of those; with 3 it took a fifth longer */

struct ring {
	uint8_t *memory;    /* as the map's value lies, see usn/abi.h */
	size_t chunk_bytes; /* a power of two */
	size_t size;        /* of all chunks, bytes */
	uint64_t secret;
	uint64_t read;  /* what the writers know of place */
	uint64_t freed; /* as in memory */
	/* Chunks that are read to their ends and not given back, the latest last. */
	uint8_t passed[USN_RING_CHUNKS];
	size_t n_passed;
	uint64_t passed_bytes; /* of all chunks that were read to their ends */
	bool idle;             /* there was nothing when last looked */

	bool steady;                 /* the next record is one as any: see ring_next_steady() */
	uint64_t place;              /* up to which records are in the window or out */
	const struct usn_slot *slot; /* there */
	uint64_t out;                /* how many were handed out so far */
	size_t n;                    /* how many are in the window */
	uint64_t latest;             /* the greatest of their stamps */
	const struct usn_record *window[RING_AHEAD]; /* by stamp, round, from the out-th on */
};

/* chunk_bytes, chunks, secret: what the programs have. 0 or -errno. */
int ring_map(struct ring *r, int map_fd, size_t chunk_bytes, size_t chunks, uint64_t secret);
void ring_unmap(struct ring *r);

/*
 * The next record, NULL: none now. It is valid until ring_release(). *ret_batch is set to true when
 * it is the first after a pause, or of a chunk, which begins a batch.
 */
const struct usn_record *ring_next(struct ring *r, bool *ret_batch);

/* Everything that ring_next() gave before may be overwritten from here on. */
void ring_release(struct ring *r);

/* Whether the next record to look at is written whole. */
static inline bool ring_is_sealed(const struct ring *r)
{
	return __atomic_load_n(&r->slot->seal, __ATOMIC_ACQUIRE) == (r->place ^ r->secret);
}

/*
 * Another processor has written this: what will be read of it soon is on its way while the records
 * before it are dealt with. And so is the beginning of one behind it, if they are alike:
 * the chain of slots would wait for each.
 */
static inline void ring_fetch(const struct usn_slot *s, uint32_t length)
{
	const uint8_t *at = (const uint8_t *)s;

	__builtin_prefetch(at + 64);
	__builtin_prefetch(at + 128);
	__builtin_prefetch(at + RING_FETCH * (size_t)length);
}

/* Past the record that was looked at. */
static inline void ring_go_on(struct ring *r, uint32_t length)
{
	r->place += length / 8;
	r->slot = (const void *)((const uint8_t *)r->slot + length);
}

/*
 * ring_release() and ring_next(), in nearly all cases: a record goes into the window, one goes out,
 * and there is nothing to tell the writers. NULL: it is not one of these.
 */
static inline const struct usn_record *ring_next_steady(struct ring *r)
{
	const struct usn_slot *s = r->slot;
	const struct usn_record *rec = (const void *)(s + 1);
	uint32_t length;

	if (!r->steady || !ring_is_sealed(r))
		return NULL;
	length = s->length;
	if (!length || rec->mono_ns < r->latest)
		return NULL;
	ring_fetch(s, length);
	ring_go_on(r, length);
	r->latest = rec->mono_ns;
	r->window[(r->out + RING_AHEAD - 1) % RING_AHEAD] = rec;
	return r->window[r->out++ % RING_AHEAD];
}

/* Whether there may be something to read. */
bool ring_ready(const struct ring *r);

/* Of all records that were taken into the window so far. */
uint64_t ring_bytes(const struct ring *r);

/* How many records found no room so far: of all devices, and of the one with this slot. */
uint64_t ring_lost(const struct ring *r);
uint64_t ring_lost_of(const struct ring *r, uint32_t slot);

#endif
