// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The pcapng writer: packets into a buffer, whole blocks from the buffer to the kernel. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <usn/abi.h>

#include "base/cleanup.h"
#include "base/cold.h"
#include "lib/pcapng.h"
#include "lib/pcapng_parts.h"

#define BUFFER_SIZE (256U * 1024)

#define OPT_END 0
#define OPT_EPB_FLAGS 2
#define OPT_EPB_DROPCOUNT 4
#define OPT_EPB_PACKETID 5
#define OPT_EPB_VERDICT 7
#define OPT_EPB_PROCESSID_THREADID 8

/*
 * epb_flags (section 4.3.1 of the draft): 1 in, 2 out; checksum not ready, checksum valid and to be segmented from bit 9 on.
 * A record has the same numbers and the same order.
 */
#define FLAGS_SHIFT 9
_Static_assert(USN_DIR_IN == 1 && USN_DIR_OUT == 2, "the directions of epb_flags");
_Static_assert(USN_PACKET_CHECKSUM_OPEN == 1 && USN_PACKET_CHECKSUM_GOOD == 2 &&
		       USN_PACKET_GSO == 4,
	       "the order of epb_flags");
#define PACKET_FLAGS (USN_PACKET_CHECKSUM_OPEN | USN_PACKET_CHECKSUM_GOOD | USN_PACKET_GSO)

#define VERDICT_TC 1 /* what follows is a TC_ACT_*, 64 bits */

/* More than a packet's block needs beside the packet. */
#define BLOCK_OVERHEAD 256

_cold_ int pcapng_make_room(struct pcapng *w, size_t need)
{
	uint8_t *larger;
	int r;

	if (w->size - w->used < need) {
		r = pcapng_flush(w);
		if (r < 0)
			return r;
	}
	if (w->size - w->used < need) {
		larger = realloc(w->buffer, w->used + need);
		if (!larger)
			return -ENOMEM;
		w->buffer = larger;
		w->size = w->used + need;
	}
	return 0;
}

int pcapng_open(int fd, const char *application, struct pcapng **ret)
{
	_cleanup_(pcapng_freep) struct pcapng *w = NULL;
	int r;

	if (!application)
		application = "";
	if (fd < 0 || strlen(application) > PCAPNG_TEXT_MAX)
		return -EINVAL;
	w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	w->fd = fd;
	w->size = BUFFER_SIZE;
	w->buffer = malloc(w->size);
	if (!w->buffer)
		return -ENOMEM;
	/* Its pages are there before the first packet is. */
	memset(w->buffer, 0, w->size);
	r = pcapng_section(w, application);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(w);
	return 0;
}

struct pcapng *pcapng_free(struct pcapng *w)
{
	if (!w)
		return NULL;
	free(w->buffer);
	free(w);
	return NULL;
}

static uint32_t epb_flags(const struct pcapng_packet *p)
{
	return p->direction | (uint32_t)(p->flags & PACKET_FLAGS) << FLAGS_SHIFT;
}

static uint32_t option_head(uint16_t code, uint16_t length)
{
	const uint16_t head[] = { code, length };
	uint32_t word;

	memcpy(&word, head, sizeof(word));
	return word;
}

/* The words of an option of eight bytes. */
static uint32_t *store_long(uint32_t *at, uint16_t code, uint64_t value)
{
	*at++ = option_head(code, sizeof(value));
	memcpy(at, &value, sizeof(value));
	return at + 2;
}

/* Nine bytes: of which kind it is, and the verdict. */
static uint32_t *store_verdict(uint32_t *at, int64_t verdict)
{
	*at++ = option_head(OPT_EPB_VERDICT, 1 + sizeof(verdict));
	at[2] = 0; /* the padding */
	*(uint8_t *)at = VERDICT_TC;
	memcpy((uint8_t *)at + 1, &verdict, sizeof(verdict));
	return at + 3;
}

static uint32_t *store_options(uint32_t *at, const struct pcapng_packet *p, uint32_t flags)
{
	if (flags) {
		*at++ = option_head(OPT_EPB_FLAGS, sizeof(flags));
		*at++ = flags;
	}
	if (p->dropped)
		at = store_long(at, OPT_EPB_DROPCOUNT, p->dropped);
	if (p->id)
		at = store_long(at, OPT_EPB_PACKETID, p->id);
	if (p->has_verdict)
		at = store_verdict(at, p->verdict);
	if (p->pid) {
		*at++ = option_head(OPT_EPB_PROCESSID_THREADID, 8);
		*at++ = p->pid;
		*at++ = p->tid;
	}
	*at++ = OPT_END;
	return at;
}

/*
 * This is what a capture does all the time: one look whether there is room, and then words are stored where they belong.
 * The buffer and all blocks are multiples of a word.
 */
int pcapng_packet(struct pcapng *w, const struct pcapng_packet *p)
{
	uint32_t flags = epb_flags(p), length, *block, *at;
	int r;

	if (p->interface >= w->interfaces || p->caplen > p->len)
		return -EINVAL;
	if (p->caplen > PCAPNG_PACKET_MAX)
		return -EMSGSIZE;
	if (w->size - w->used < p->caplen + BLOCK_OVERHEAD) {
		r = pcapng_make_room(w, p->caplen + BLOCK_OVERHEAD);
		if (r < 0)
			return r;
	}
	block = at = (uint32_t *)(void *)(w->buffer + w->used);
	at[0] = PCAPNG_BLOCK_PACKET;
	at[2] = p->interface;
	at[3] = (uint32_t)(p->real_ns >> 32);
	at[4] = (uint32_t)p->real_ns;
	at[5] = p->caplen;
	at[6] = p->len;
	at += 7;
	if (p->caplen) {
		at[(p->caplen - 1) / 4] = 0; /* the padding */
		memcpy(at, p->data, p->caplen);
	}
	at = store_options(at + (p->caplen + 3) / 4, p, flags);
	length = (uint32_t)((at + 1 - block) * sizeof(*at));
	*at = block[1] = length;
	w->used += length;
	w->buffered++;
	return 0;
}

/*
 * Returns how many bytes at the buffer's begin are whole blocks that are out, and counts their
 * packets.
 */
static size_t count_written(struct pcapng *w)
{
	size_t whole = 0;

	if (w->out == w->used) {
		w->written += w->buffered;
		w->buffered = 0;
		return w->used;
	}
	while (whole < w->out) {
		uint32_t head[2]; /* type, length */

		memcpy(head, w->buffer + whole, sizeof(head));
		if (head[1] > w->out - whole)
			break;
		w->written += head[0] == PCAPNG_BLOCK_PACKET;
		w->buffered -= head[0] == PCAPNG_BLOCK_PACKET;
		whole += head[1];
	}
	return whole;
}

/*
 * Takes n bytes at the end of a regular file back. Not so in a pipe: there the block has to be
 * completed.
 */
static bool cut_back(int fd, size_t n)
{
	struct stat st;
	off_t end;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return false;
	end = lseek(fd, 0, SEEK_CUR);
	/* Bytes of others behind ours are not ours to cut. */
	if (end < (off_t)n || end != st.st_size || ftruncate(fd, end - (off_t)n) < 0)
		return false;
	return lseek(fd, end - (off_t)n, SEEK_SET) >= 0;
}

int pcapng_flush(struct pcapng *w)
{
	size_t whole;
	ssize_t n;
	int r = 0;

	while (w->out < w->used) {
		n = write(w->fd, w->buffer + w->out, w->used - w->out);
		if (n > 0) {
			w->out += (size_t)n;
		} else if (n == 0 || errno != EINTR) {
			r = n ? -errno : -EIO;
			break;
		}
	}
	whole = count_written(w);
	w->size_out += whole;
	w->used -= whole;
	w->out -= whole;
	if (w->used)
		memmove(w->buffer, w->buffer + whole, w->used);
	if (w->out && cut_back(w->fd, w->out))
		w->out = 0;
	return r;
}

uint64_t pcapng_size(const struct pcapng *w)
{
	return w->size_out + w->used;
}

uint64_t pcapng_written(const struct pcapng *w)
{
	return w->written;
}
