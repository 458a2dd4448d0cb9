// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The newest packets. An entry is never cut in two: where the rest of the ring is too short for the
 * next one, that goes to the start, and wrap remembers where the entries of the upper part end.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "capture/history.h"

#define FIRST_SIZE (1u << 20)

void history_init(struct history *h, uint64_t max_bytes, uint64_t max_ns)
{
	*h = (struct history){ .max_bytes = max_bytes, .max_ns = max_ns };
}

void history_free(struct history *h)
{
	free(h->ring);
	*h = (struct history){ 0 };
}

static const struct history_entry *at(const struct history *h, size_t offset)
{
	return (const struct history_entry *)(h->ring + offset);
}

const struct history_entry *history_first(const struct history *h)
{
	return h->kept ? at(h, h->tail) : NULL;
}

const struct history_entry *history_after(const struct history *h, const struct history_entry *e)
{
	size_t offset = (size_t)((const uint8_t *)e - h->ring) + e->size;

	if (h->wrapped && offset == h->wrap)
		offset = 0;
	return offset == h->head ? NULL : at(h, offset);
}

static void forget_oldest(struct history *h)
{
	h->tail += at(h, h->tail)->size;
	h->kept--;
	h->forgotten++;
	if (h->wrapped && h->tail == h->wrap) {
		h->tail = 0;
		h->wrapped = false;
	}
	if (!h->kept)
		h->tail = h->head = 0;
}

void history_age(struct history *h, uint64_t mono_ns)
{
	while (h->max_ns && h->kept && at(h, h->tail)->rec.mono_ns + h->max_ns < mono_ns)
		forget_oldest(h);
}

/* Whether need bytes are free at head, which moves to the start for that. */
static bool make_room(struct history *h, size_t need)
{
	if (h->wrapped)
		return h->tail - h->head >= need;
	if (h->size - h->head >= need)
		return true;
	if (h->tail < need)
		return false;
	h->wrap = h->head;
	h->head = 0;
	h->wrapped = true;
	return true;
}

static size_t next_size(const struct history *h)
{
	size_t size = h->size ? 2 * h->size : FIRST_SIZE;

	return size < h->max_bytes ? size : (size_t)h->max_bytes;
}

/* Once the limit is reached, or there is no more memory, the oldest have to make room. */
static bool grow(struct history *h)
{
	size_t size = next_size(h), upper = (h->wrapped ? h->wrap : h->head) - h->tail;
	uint8_t *ring = size > h->size ? calloc(1, size) : NULL;

	if (!ring)
		return false;
	if (upper)
		memcpy(ring, h->ring + h->tail, upper);
	if (h->wrapped)
		memcpy(ring + upper, h->ring, h->head);
	h->head = upper + (h->wrapped ? h->head : 0);
	h->tail = 0;
	h->wrapped = false;
	free(h->ring);
	h->ring = ring;
	h->size = size;
	return true;
}

void history_put(struct history *h, const struct usn_record *rec, uint64_t real_ns)
{
	size_t need = (sizeof(struct history_entry) + rec->caplen + 7) & ~(size_t)7;
	struct history_entry *e;

	history_age(h, rec->mono_ns);
	while (!make_room(h, need)) {
		if (grow(h))
			continue;
		if (!h->kept) {
			h->forgotten++;
			return;
		}
		forget_oldest(h);
	}
	e = (struct history_entry *)(h->ring + h->head);
	e->size = need;
	e->real_ns = real_ns;
	memcpy(&e->rec, rec, sizeof(*rec) + rec->caplen);
	h->head += need;
	h->kept++;
}
