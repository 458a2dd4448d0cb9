// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Reading a tap's ring. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/ring.h"

static uint64_t *word(const struct ring *r, size_t offset)
{
	return (uint64_t *)(void *)(r->memory + offset);
}

static size_t chunk_of(uint64_t place)
{
	return (place >> USN_RING_CHUNK_SHIFT) & (USN_RING_CHUNKS - 1);
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
	__atomic_store_n(word(r, USN_RING_FREED), r->freed, __ATOMIC_RELEASE);
	return 0;
}

void ring_unmap(struct ring *r)
{
	if (r->memory)
		munmap(r->memory, USN_RING_DATA + r->size + USN_RING_SLACK);
	r->memory = NULL;
}

/* What is at the place; NULL: it is still being written. */
static const struct usn_slot *sealed(const struct ring *r, uint64_t place)
{
	size_t offset = (place & ((1 << USN_RING_CHUNK_SHIFT) - 1)) * 8;
	const struct usn_slot *s = (const void *)(r->memory + USN_RING_DATA +
						  chunk_of(place) * r->chunk_bytes + offset);

	return __atomic_load_n(&s->seal, __ATOMIC_ACQUIRE) == (place ^ r->secret) ? s : NULL;
}

bool ring_ready(const struct ring *r)
{
	return r->n || sealed(r, r->place);
}

/* The earliest chunk of which something is still to be handed out, by its turn. */
static uint64_t first_turn(const struct ring *r)
{
	uint64_t turn = r->turn;
	size_t i;

	for (i = r->first; i < r->first + r->n; i++) {
		if (r->window[i].turn < turn)
			turn = r->window[i].turn;
	}
	return turn;
}

static void give_chunks(struct ring *r)
{
	size_t left = r->turn - first_turn(r), i;

	if (left >= r->n_passed)
		return;
	for (i = 0; i < r->n_passed - left; i++) {
		r->freed ^= 1 << r->passed[i];
		r->freed &= (1 << USN_RING_LAST_SHIFT) - 1;
		r->freed |= (uint64_t)r->passed[i] << USN_RING_LAST_SHIFT;
	}
	memmove(r->passed, r->passed + i, left);
	r->n_passed = left;
	__atomic_store_n(word(r, USN_RING_FREED), r->freed, __ATOMIC_RELEASE);
}

void ring_give_back(struct ring *r)
{
	if (r->n_passed)
		give_chunks(r);
	if (r->n || r->read == r->place)
		return;
	r->read = r->place;
	/* Before the next look for a record: who sees the old value rings the bell for that one. */
	__atomic_store_n(word(r, USN_RING_READ), r->read, __ATOMIC_SEQ_CST);
}

static void insert(struct ring *r, const struct usn_record *rec)
{
	size_t i;

	if (!r->n)
		r->first = 0;
	if (r->first + r->n == RING_WINDOW) {
		memmove(r->window, r->window + r->first, r->n * sizeof(r->window[0]));
		r->first = 0;
	}
	/* Nearly always the newest is the last. */
	for (i = r->first + r->n; i > r->first && r->window[i - 1].stamp > rec->mono_ns; i--)
		r->window[i] = r->window[i - 1];
	r->window[i].stamp = rec->mono_ns;
	r->window[i].turn = r->turn;
	r->window[i].rec = rec;
	r->n++;
}

/*
 * Another processor has written this: what will be read of it soon is on its way while the records before it are dealt
 * with.
 */
static void fetch(const struct usn_slot *s)
{
	const uint8_t *at = (const uint8_t *)s;

	__builtin_prefetch(at + 64);
	__builtin_prefetch(at + 128);
	/* The next but two, if the records are alike: the chain of slots would wait for each. */
	__builtin_prefetch(at + 3 * (size_t)s->length);
}

/* Goes on in the next chunk. */
static void turn(struct ring *r, size_t next)
{
	uint64_t turns = (r->place >> USN_RING_TURN_SHIFT) + 1;

	r->passed[r->n_passed++] = (uint8_t)chunk_of(r->place);
	r->place = (turns << USN_RING_TURN_SHIFT) & USN_RING_PLACE;
	r->place |= (uint64_t)next << USN_RING_CHUNK_SHIFT;
	r->turn++;
}

/* Takes one record into the window; false: there is none that is whole. */
static bool take(struct ring *r, bool *ret_batch)
{
	const struct usn_slot *s = sealed(r, r->place);

	while (s && !s->length) {
		turn(r, s->next);
		r->idle = true;
		s = sealed(r, r->place);
	}
	if (!s) {
		r->idle = true;
		return false;
	}
	*ret_batch |= r->idle;
	r->idle = false;
	fetch(s);
	insert(r, (const struct usn_record *)(const void *)(s + 1));
	r->place += s->length / 8;
	r->bytes += s->length;
	return true;
}

const struct usn_record *ring_next(struct ring *r, bool *ret_batch)
{
	while (r->n < RING_AHEAD && take(r, ret_batch))
		;
	if (!r->n)
		return NULL;
	r->n--;
	return r->window[r->first++].rec;
}

uint64_t ring_lost(const struct ring *r)
{
	return __atomic_load_n(word(r, USN_RING_LOST), __ATOMIC_RELAXED);
}

uint64_t ring_lost_of(const struct ring *r, uint32_t slot)
{
	return __atomic_load_n(word(r, USN_RING_LOSSES + 8 * (size_t)slot), __ATOMIC_RELAXED);
}
