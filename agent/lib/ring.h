/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The reading end of a tap's ring (bpf/ring.bpf.h).
 *
 * Records are handed out where they are, in order of their stamps. Two processors may take their places in one order and
 * stamp in the other; so the reader looks a few records ahead, never waiting for them.
 */
#ifndef USN_RING_H
#define USN_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <usn/abi.h>

#define RING_AHEAD 16 /* records looked at ahead; more processors than this may swap two */
#define RING_WINDOW 128

struct ring {
	uint8_t *memory;    /* as the map's value lies, see usn/abi.h */
	size_t chunk_bytes; /* a power of two */
	size_t size;        /* of all chunks, bytes */
	uint64_t secret;
	uint64_t place; /* up to which records are in the window or out */
	uint64_t turn;  /* how many chunks lie before that one */
	uint64_t bytes; /* of all records so far */
	uint64_t read;  /* what the writers know of it */
	uint64_t freed; /* as in memory */
	bool idle;      /* there was nothing when last looked */
	/* Chunks that are read to their ends and not given back, the latest last. */
	uint8_t passed[USN_RING_CHUNKS];
	size_t n_passed;
	struct {
		uint64_t stamp, turn;
		const struct usn_record *rec;
	} window[RING_WINDOW]; /* by stamp, from first on */
	size_t first, n;
};

/* chunk_bytes, chunks, secret: what the programs have. 0 or -errno. */
int ring_map(struct ring *r, int map_fd, size_t chunk_bytes, size_t chunks, uint64_t secret);
void ring_unmap(struct ring *r);

/* ring_release(), where there is something to tell the writers. */
void ring_give_back(struct ring *r);

/* Everything that ring_next() gave before may be overwritten from here on. */
static inline void ring_release(struct ring *r)
{
	if (r->n_passed || (!r->n && r->read != r->place))
		ring_give_back(r);
}

/*
 * The next record, NULL: none now. It is valid until ring_release(). *ret_batch is set to true when it is the first after
 * a pause, or of a chunk, which begins a batch.
 */
const struct usn_record *ring_next(struct ring *r, bool *ret_batch);

/* Whether there may be something to read. */
bool ring_ready(const struct ring *r);

/* How many records found no room so far: of all devices, and of the one with this slot. */
uint64_t ring_lost(const struct ring *r);
uint64_t ring_lost_of(const struct ring *r, uint32_t slot);

#endif
