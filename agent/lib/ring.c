// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Reading a tap's ring. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/ring.h"

int ring_map(struct ring *r, int map_fd, size_t size, uint64_t secret)
{
	void *p = mmap(NULL, USN_RING_DATA + size + USN_RING_SLACK, PROT_READ | PROT_WRITE,
		       MAP_SHARED, map_fd, 0);

	if (p == MAP_FAILED)
		return -errno;
	memset(r, 0, sizeof(*r));
	r->memory = p;
	r->size = size;
	r->secret = secret;
	return 0;
}

void ring_unmap(struct ring *r)
{
	if (r->memory)
		munmap(r->memory, USN_RING_DATA + r->size + USN_RING_SLACK);
	r->memory = NULL;
}

static uint64_t head(const struct ring *r)
{
	return __atomic_load_n((const uint64_t *)(const void *)(r->memory + USN_RING_HEAD),
			       __ATOMIC_ACQUIRE);
}

/* The record at the position; NULL: it is still being written. */
static const struct usn_slot *sealed(const struct ring *r, uint64_t pos)
{
	const struct usn_slot *s =
		(const void *)(r->memory + USN_RING_DATA + (pos & (r->size - 8)));

	return __atomic_load_n(&s->seal, __ATOMIC_ACQUIRE) == (pos ^ r->secret) ? s : NULL;
}

bool ring_ready(const struct ring *r)
{
	return r->n || (head(r) != r->scanned && sealed(r, r->scanned));
}

static void give(struct ring *r, uint64_t pos)
{
	if (pos == r->given)
		return;
	r->given = pos;
	/* Before the next look for a record: who sees the old value rings the bell for that one. */
	__atomic_store_n((uint64_t *)(void *)(r->memory + USN_RING_TAIL), pos, __ATOMIC_SEQ_CST);
}

void ring_release(struct ring *r)
{
	uint64_t pos = r->scanned;
	size_t i;

	/* The kernel's line is touched now and then only: it goes back and forth between two processors. */
	if (r->n && r->scanned - r->given < r->size / 32)
		return;
	for (i = r->first; i < r->first + r->n; i++) {
		if (r->window[i].pos < pos)
			pos = r->window[i].pos;
	}
	give(r, pos);
}

static void insert(struct ring *r, const struct usn_record *rec, uint64_t pos)
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
	r->window[i].pos = pos;
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
	__builtin_prefetch(at + s->length);
}

/* Takes one record into the window; false: there is none that is whole. */
static bool take(struct ring *r, bool *ret_batch)
{
	const struct usn_slot *s;

	if (r->scanned == r->end) {
		r->end = head(r);
		if (r->scanned == r->end)
			return false;
		*ret_batch = true;
	}
	s = sealed(r, r->scanned);
	if (!s)
		return false;
	fetch(s);
	insert(r, (const struct usn_record *)(const void *)(s + 1), r->scanned);
	r->scanned += s->length;
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
