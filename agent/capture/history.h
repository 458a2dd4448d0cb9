/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The newest packets, in memory: a ring of records of any size, limited by bytes, by age,
 * or by both. The oldest go first, and are counted.
 * It takes the memory that it needs, up to its limit, and never gives it back.
 */
#ifndef USN_HISTORY_H
#define USN_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <usn/abi.h>

/* The largest packet has room. */
#define HISTORY_BYTES_MIN (128u << 10)

/* As it stands in the ring, with rec.caplen bytes behind it. */
struct history_entry {
	uint64_t size; /* of all of it, a multiple of 8 */
	uint64_t real_ns;
	struct usn_record rec;
};

struct history {
	uint64_t max_bytes; /* of packets and what is known of each */
	uint64_t max_ns;    /* before the latest; 0: any age */
	uint64_t kept;      /* packets that are in it */
	uint64_t forgotten; /* packets that were */
	uint8_t *ring;
	size_t size;
	size_t tail, head; /* where the oldest is, and where the next one goes */
	size_t wrap;       /* where the upper part ends, if the lower one is begun */
	bool wrapped;
};

/* max_bytes: at least HISTORY_BYTES_MIN. */
void history_init(struct history *h, uint64_t max_bytes, uint64_t max_ns);
void history_free(struct history *h);

/* Copies the packet behind rec. If there is no memory for it, it is one of the forgotten. */
void history_put(struct history *h, const struct usn_record *rec, uint64_t real_ns);

/* What is too old at mono_ns goes. */
void history_age(struct history *h, uint64_t mono_ns);

/* From the oldest to the newest; NULL: the end. Valid until the next change. */
const struct history_entry *history_first(const struct history *h);
const struct history_entry *history_after(const struct history *h, const struct history_entry *e);

#endif
