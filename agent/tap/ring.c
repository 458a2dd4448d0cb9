// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Reading a tap's ring. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "tap/ring.h"

static uint64_t *word(const struct ring *r, size_t offset)
{
	return (uint64_t *)(void *)(r->memory + offset);
}

static size_t chunk_of(uint64_t place)
{
	return (place >> USN_RING_CHUNK_SHIFT) & (USN_RING_CHUNKS - 1);
}

static size_t offset_of(uint64_t place)
{
	return (place & ((1 << USN_RING_CHUNK_SHIFT) - 1)) * 8;
}

static const uint8_t *chunk_at(const struct ring *r, size_t chunk)
{
	return r->memory + USN_RING_DATA + chunk * r->chunk_bytes;
}

static void go_to(struct ring *r, uint64_t place)
{
	r->place = place;
	r->slot = (const void *)(chunk_at(r, chunk_of(place)) + offset_of(place));
}

int ring_map(struct ring *r, int map_fd, size_t chunk_bytes, size_t chunks, uint64_t secret)
{
	size_t size = chunk_bytes * chunks;
	void *p = mmap(NULL, USN_RING_DATA + size + USN_RING_SLACK, PROT_READ | PROT_WRITE,
		       MAP_SHARED, map_fd, 0);

	if (p == MAP_FAILED)
		return -errno;
	memset(r, 0, sizeof(*r));
	r->memory = p;
	r->chunk_bytes = chunk_bytes;
	r->size = size;
	r->secret = secret;
	r->idle = true;
	/* The writers begin in chunk 0 without having taken it. */
	r->freed = 1;
	go_to(r, 0);
	__atomic_store_n(word(r, USN_RING_FREED), r->freed, __ATOMIC_RELEASE);
	return 0;
}

void ring_unmap(struct ring *r)
{
	if (r->memory)
		munmap(r->memory, USN_RING_DATA + r->size + USN_RING_SLACK);
	r->memory = NULL;
}

bool ring_ready(const struct ring *r)
{
	return r->n || ring_is_sealed(r);
}

uint64_t ring_bytes(const struct ring *r)
{
	return r->passed_bytes + offset_of(r->place);
}

/* The i-th from here that is to be handed out. */
static const struct usn_record **in_window(struct ring *r, uint64_t i)
{
	return &r->window[(r->out + i) % RING_AHEAD];
}

/* Whether something of the chunk is still to be handed out. */
static bool is_needed(struct ring *r, size_t chunk)
{
	const uint8_t *begin = chunk_at(r, chunk);
	size_t i;

	for (i = 0; i < r->n; i++) {
		const uint8_t *at = (const uint8_t *)*in_window(r, i);

		if (at >= begin && at < begin + r->chunk_bytes)
			return true;
	}
	return false;
}

static void give_chunks(struct ring *r)
{
	size_t n = 0;

	for (; n < r->n_passed && !is_needed(r, r->passed[n]); n++) {
		r->freed ^= 1 << r->passed[n];
		r->freed &= (1 << USN_RING_LAST_SHIFT) - 1;
		r->freed |= (uint64_t)r->passed[n] << USN_RING_LAST_SHIFT;
	}
	if (!n)
		return;
	r->n_passed -= n;
	memmove(r->passed, r->passed + n, r->n_passed);
	__atomic_store_n(word(r, USN_RING_FREED), r->freed, __ATOMIC_RELEASE);
}

void ring_release(struct ring *r)
{
	if (r->n_passed)
		give_chunks(r);
	if (r->n || r->read == r->place)
		return;
	r->read = r->place;
	__atomic_store_n(word(r, USN_RING_READ), r->read, __ATOMIC_RELAXED);
	/*
	 * Before the next look for a record: who sees the old value rings the bell for that one.
	 * The look is a load of another word, which no order of the store alone keeps behind it
	 * (ARM's "ldapr" overtakes even an "stlr").
	 */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* Nearly always the newest is the last; two of the same nanosecond stay as they were taken. */
static void insert(struct ring *r, const struct usn_record *rec)
{
	uint64_t i = r->n++;

	for (; i && (*in_window(r, i - 1))->mono_ns > rec->mono_ns; i--)
		*in_window(r, i) = *in_window(r, i - 1);
	*in_window(r, i) = rec;
	r->latest = (*in_window(r, r->n - 1))->mono_ns;
}

/* Goes on in the next chunk. */
static void turn(struct ring *r)
{
	uint64_t turns = (r->place >> USN_RING_TURN_SHIFT) + 1, chunk = r->slot->next;

	r->passed[r->n_passed++] = (uint8_t)chunk_of(r->place);
	r->passed_bytes += offset_of(r->place);
	r->idle = true;
	go_to(r, ((turns << USN_RING_TURN_SHIFT) & USN_RING_PLACE) | chunk << USN_RING_CHUNK_SHIFT);
}

/* Takes one record into the window; false: there is none that is whole. */
static bool take(struct ring *r, bool *ret_batch)
{
	bool sealed = ring_is_sealed(r);

	while (sealed && !r->slot->length) {
		turn(r);
		sealed = ring_is_sealed(r);
	}
	if (sealed) {
		ring_fetch(r->slot, r->slot->length);
		insert(r, (const void *)(r->slot + 1));
		ring_go_on(r, r->slot->length);
		*ret_batch |= r->idle;
	}
	r->idle = !sealed;
	return sealed;
}

const struct usn_record *ring_next(struct ring *r, bool *ret_batch)
{
	const struct usn_record *rec;

	while (r->n < RING_AHEAD && take(r, ret_batch))
		;
	if (r->n) {
		rec = *in_window(r, 0);
		r->out++;
		r->n--;
	} else {
		rec = NULL;
	}
	r->steady = r->n == RING_AHEAD - 1 && !r->n_passed;
	return rec;
}

uint64_t ring_lost(const struct ring *r)
{
	return __atomic_load_n(word(r, USN_RING_LOST), __ATOMIC_RELAXED);
}

uint64_t ring_lost_of(const struct ring *r, uint32_t slot)
{
	return __atomic_load_n(word(r, USN_RING_LOSSES + 8 * (size_t)slot), __ATOMIC_RELAXED);
}
