/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The buffer of the pcapng writer, which pcapng_packet.c fills, and pcapng_blocks.c with the rare
 * blocks.
 */
#ifndef USN_PCAPNG_BUFFER_H
#define USN_PCAPNG_BUFFER_H

#include <stddef.h>
#include <stdint.h>

#define PCAPNG_BLOCK_PACKET 6U

/* The option behind the last one of a block. */
#define PCAPNG_OPT_END 0

/* More than any block needs beside its packet or its texts. */
#define PCAPNG_BLOCK_OVERHEAD 256

struct pcapng {
	int fd;
	uint32_t interfaces;
	uint64_t written;  /* packets */
	uint64_t buffered; /* packets that are whole in the buffer */
	uint64_t size_out; /* bytes of whole blocks that are out */

	uint8_t *buffer; /* whole blocks */
	size_t size;
	size_t used;
	size_t out; /* of these, bytes that are out: inside the first block, after an error only */
	size_t block; /* where the block begins that is being built */
};

/* Makes room for so many bytes behind used, by a flush if the buffer is full. */
int pcapng_make_room(struct pcapng *w, size_t need);

#endif
