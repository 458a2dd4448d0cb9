/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reads pcapng strictly by the draft (draft-ietf-opsawg-pcapng), as far as the writer has it, and
 * writes each block as a line of text. It shares nothing with the writer: any other code, order,
 * length or padding is a fault.
 */
#ifndef USN_FUZZ_PCAPNG_READER_H
#define USN_FUZZ_PCAPNG_READER_H

#include <jansson.h>
#include <string.h>

#include "fuzz.h"

/* What is left of a file, a block, or an option. */
struct bytes {
	const uint8_t *at;
	size_t n;
};

static inline struct bytes cut(struct bytes *b, size_t n)
{
	struct bytes head = { b->at, n };

	demand(n <= b->n);
	b->at += n;
	b->n -= n;
	return head;
}

static inline uint64_t number(struct bytes *b, size_t size)
{
	uint64_t value = 0;

	demand(size <= sizeof(value));
	memcpy(&value, cut(b, size).at, size);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	value >>= 8 * (sizeof(value) - size);
#endif
	return value;
}

static inline uint64_t stamp(struct bytes *b)
{
	uint64_t high = number(b, 4);

	return high << 32 | number(b, 4);
}

/* n bytes, and zeros up to a multiple of four. */
static inline struct bytes padded(struct bytes *b, size_t n)
{
	struct bytes value = cut(b, n);
	struct bytes zeros = cut(b, -n & 3);

	for (size_t i = 0; i < zeros.n; i++)
		demand(!zeros.at[i]);
	return value;
}

static inline void put_bytes(FILE *f, struct bytes b)
{
	for (size_t i = 0; i < b.n; i++)
		fprintf(f, "%02x", b.at[i]);
}

static inline void put_characters_of(FILE *f, struct bytes b)
{
	json_t *text = json_stringn((const char *)b.at, b.n);

	demand(text && b.n && !memchr(b.at, '\0', b.n));
	json_decref(text);
	put_bytes(f, b);
}

/* Each option as CODE=VALUE, its value as bytes; texts: the codes of texts, as bits. */
static inline void put_options(FILE *f, struct bytes b, uint32_t texts)
{
	uint32_t seen = 0;

	while (b.n) {
		uint16_t code = (uint16_t)number(&b, 2);
		struct bytes value = padded(&b, number(&b, 2));

		if (!code) {
			demand(!value.n && !b.n);
			return;
		}
		demand(code < 32 && !(seen >> code & 1));
		seen |= 1U << code;
		fprintf(f, " %u=", code);
		if (texts >> code & 1)
			put_characters_of(f, value);
		else
			put_bytes(f, value);
	}
}

static inline void put_packet(FILE *f, struct bytes b)
{
	uint64_t interface = number(&b, 4), when = stamp(&b), caplen = number(&b, 4);

	fprintf(f, "packet %lu %lu %lu ", interface, when, number(&b, 4));
	put_bytes(f, padded(&b, caplen));
	demand(b.n);
	put_options(f, b, 0);
}

static inline void put_process_of(FILE *f, struct bytes b)
{
	struct bytes entry;

	/* Wireshark's number, and its entry of a process. */
	demand(number(&b, 4) == 32622 && number(&b, 4) == 3);
	entry = padded(&b, number(&b, 4));
	demand(!b.n);
	fprintf(f, "process %lu", number(&entry, 4));
	demand(entry.n);
	put_options(f, entry, 1 << 1 | 1 << 2 | 1 << 3);
}

static inline void put_block(FILE *f, uint32_t type, struct bytes b)
{
	switch (type) {
	case 1:
		demand(number(&b, 2) == 101 && number(&b, 2) == 0);
		fprintf(f, "interface %lu", number(&b, 4));
		put_options(f, b, 1 << 2 | 1 << 3 | 1 << 12);
		return;
	case 5:
		fprintf(f, "statistics %lu", number(&b, 4));
		fprintf(f, " %lu", stamp(&b));
		put_options(f, b, 0);
		return;
	case 6:
		put_packet(f, b);
		return;
	default:
		demand(type == 0xbad);
		put_process_of(f, b);
	}
}

static inline void read_section(struct bytes b)
{
	demand(number(&b, 4) == 0x1a2b3c4d && number(&b, 2) == 1 && number(&b, 2) == 0);
	demand(number(&b, 8) == UINT64_MAX);
}

/* The file as text, malloced: a line a block, but for the section's. */
static inline char *pcapng_text(const uint8_t *file, size_t size)
{
	struct bytes b = { file, size };
	char *text = NULL;
	FILE *f = open_memstream(&text, &size);

	demand(f != NULL);
	for (int i = 0; b.n; i++) {
		uint32_t type = (uint32_t)number(&b, 4), length = (uint32_t)number(&b, 4);
		struct bytes body;

		demand(length >= 12 && length % 4 == 0);
		body = cut(&b, length - 12);
		demand(number(&b, 4) == length);
		demand((type == 0x0a0d0d0a) == !i);
		if (!i) {
			read_section(body);
			continue;
		}
		put_block(f, type, body);
		fputc('\n', f);
	}
	demand(!fclose(f));
	return text;
}

#endif
