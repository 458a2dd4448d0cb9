// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Reading a BPF ring buffer. */
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/ring.h"

/* A record is preceded by its length with two flags, and four bytes more; the sum is rounded up to eight. */
#define HEADER 8

int ring_map(struct ring *r, int map_fd, size_t size)
{
	void *p;

	memset(r, 0, sizeof(*r));
	r->size = size;
	r->page = (size_t)sysconf(_SC_PAGESIZE);
	p = mmap(NULL, r->page, PROT_READ | PROT_WRITE, MAP_SHARED, map_fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	r->consumer = p;
	p = mmap(NULL, r->page + 2 * size, PROT_READ, MAP_SHARED, map_fd, (off_t)r->page);
	if (p == MAP_FAILED) {
		int error = errno;

		ring_unmap(r);
		return -error;
	}
	r->producer = p;
	return 0;
}

void ring_unmap(struct ring *r)
{
	if (r->consumer)
		munmap(r->consumer, r->page);
	if (r->producer)
		munmap(r->producer, r->page + 2 * r->size);
	r->consumer = r->producer = NULL;
}

static uint64_t producer_end(const struct ring *r)
{
	return __atomic_load_n((const uint64_t *)(const void *)r->producer, __ATOMIC_ACQUIRE);
}

bool ring_ready(const struct ring *r)
{
	return r->n || producer_end(r) != r->scanned;
}

static void give(struct ring *r, uint64_t pos)
{
	if (pos == r->given)
		return;
	r->given = pos;
	__atomic_store_n((uint64_t *)(void *)r->consumer, pos, __ATOMIC_RELEASE);
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

/* Takes one record into the window; false: there is none that is whole. */
static bool take(struct ring *r, bool *ret_batch)
{
	while (true) {
		const uint8_t *at;
		uint32_t length;

		if (r->scanned == r->end) {
			r->end = producer_end(r);
			if (r->scanned == r->end)
				return false;
			*ret_batch = true;
		}
		at = r->producer + r->page + (r->scanned & (r->size - 1));
		length = __atomic_load_n((const uint32_t *)(const void *)at, __ATOMIC_ACQUIRE);
		if (length & BPF_RINGBUF_BUSY_BIT)
			return false;
		if (!(length & BPF_RINGBUF_DISCARD_BIT))
			insert(r, (const struct usn_record *)(const void *)(at + HEADER),
			       r->scanned);
		length &= ~BPF_RINGBUF_DISCARD_BIT;
		r->scanned += (length + HEADER + 7) & ~7u;
		if (r->n)
			return true;
	}
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
