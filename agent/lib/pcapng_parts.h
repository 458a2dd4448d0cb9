/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the files of the noun pcapng share: the buffer (pcapng.c), and who fills it (pcapng_packet.c, and pcapng_blocks.c with the rare blocks). */
#ifndef USN_PCAPNG_PARTS_H
#define USN_PCAPNG_PARTS_H

#include <stddef.h>
#include <stdint.h>

#define PCAPNG_BLOCK_PACKET 6U

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

/* The block that every section begins with. */
int pcapng_section(struct pcapng *w, const char *application);

#endif
