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
	uint8_t *memory; /* as the map's value lies, see usn/abi.h */
	size_t size;     /* of the data, bytes, a power of two */
	uint64_t secret;
	uint64_t scanned; /* position up to which records are in the window or out */
	uint64_t end;     /* what the producer had when last looked */
	uint64_t given;   /* what the kernel knows to be free */
	struct {
		uint64_t stamp, pos;
		const struct usn_record *rec;
	} window[RING_WINDOW]; /* by stamp, from first on */
	size_t first, n;
};

/* size, secret: what the programs have as ring_bytes and ring_secret. 0 or -errno. */
int ring_map(struct ring *r, int map_fd, size_t size, uint64_t secret);
void ring_unmap(struct ring *r);

/* Everything that ring_next() gave before may be overwritten from here on. */
void ring_release(struct ring *r);

/*
 * The next record, NULL: none now. It is valid until ring_release(). *ret_batch is set to true when the producer was looked
 * at again, which begins a batch.
 */
const struct usn_record *ring_next(struct ring *r, bool *ret_batch);

/* Whether there may be something to read. */
bool ring_ready(const struct ring *r);

#endif
