// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The pcapng writer: blocks into a buffer, whole blocks from the buffer to the kernel. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <usn/abi.h>

#include "base/cleanup.h"
#include "lib/pcapng.h"

#define BUFFER_SIZE (256U * 1024)

#define BLOCK_SECTION 0x0a0d0d0aU
#define BLOCK_INTERFACE 1U
#define BLOCK_STATISTICS 5U
#define BLOCK_PACKET 6U

#define BYTE_ORDER_MAGIC 0x1a2b3c4dU
#define LINKTYPE_RAW 101 /* packets begin with an IP header of either version */

/* Option codes; those above 1 have a meaning of their own in each block. */
#define OPT_END 0
#define OPT_SHB_OS 3
#define OPT_SHB_USERAPPL 4
#define OPT_IF_NAME 2
#define OPT_IF_DESCRIPTION 3
#define OPT_IF_TSRESOL 9
#define OPT_EPB_FLAGS 2
#define OPT_EPB_DROPCOUNT 4
#define OPT_EPB_PROCESSID_THREADID 8
#define OPT_ISB_STARTTIME 2
#define OPT_ISB_ENDTIME 3
#define OPT_ISB_IFRECV 4
#define OPT_ISB_IFDROP 5

/* More than any block needs beside its texts and its packet. */
#define BLOCK_OVERHEAD 256

struct pcapng {
	int fd;
	uint32_t interfaces;
	uint64_t written; /* packets */

	uint8_t *buffer; /* whole blocks */
	size_t size;
	size_t used;
	size_t out; /* of these, bytes that are out: inside the first block, after an error only */
	size_t block; /* where the block begins that is being built */
};

static void put(struct pcapng *w, const void *data, size_t n)
{
	if (n)
		memcpy(w->buffer + w->used, data, n);
	w->used += n;
}

static void put_u16(struct pcapng *w, uint16_t value)
{
	put(w, &value, sizeof(value));
}

static void put_u32(struct pcapng *w, uint32_t value)
{
	put(w, &value, sizeof(value));
}

static void put_time(struct pcapng *w, uint64_t ns)
{
	put_u32(w, (uint32_t)(ns >> 32));
	put_u32(w, (uint32_t)ns);
}

static void put_padded(struct pcapng *w, const void *data, size_t n)
{
	static const uint8_t zeros[3];

	put(w, data, n);
	put(w, zeros, -n & 3);
}

static void put_option(struct pcapng *w, uint16_t code, const void *data, size_t n)
{
	put_u16(w, code);
	put_u16(w, (uint16_t)n);
	put_padded(w, data, n);
}

static void put_text(struct pcapng *w, uint16_t code, const char *text)
{
	if (text && *text)
		put_option(w, code, text, strlen(text));
}

static void put_time_option(struct pcapng *w, uint16_t code, uint64_t ns)
{
	const uint32_t words[] = { (uint32_t)(ns >> 32), (uint32_t)ns };

	put_option(w, code, words, sizeof(words));
}

/* Makes room for a block with n bytes of variable size. Flushes only if the buffer is full. */
static int block_begin(struct pcapng *w, uint32_t type, size_t n)
{
	size_t need = n + BLOCK_OVERHEAD;
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
	w->block = w->used;
	put_u32(w, type);
	put_u32(w, 0);
	return 0;
}

static void block_end(struct pcapng *w)
{
	uint32_t length;

	put_option(w, OPT_END, NULL, 0);
	length = (uint32_t)(w->used - w->block + sizeof(length));
	put_u32(w, length);
	memcpy(w->buffer + w->block + 4, &length, sizeof(length));
}

static int put_section(struct pcapng *w, const char *application)
{
	char os[sizeof(struct utsname)];
	struct utsname u;
	int r;

	r = block_begin(w, BLOCK_SECTION, strlen(application) + sizeof(os));
	if (r < 0)
		return r;
	put_u32(w, BYTE_ORDER_MAGIC);
	put_u16(w, 1); /* version 1.0 */
	put_u16(w, 0);
	put_u32(w, UINT32_MAX); /* section length: not known */
	put_u32(w, UINT32_MAX);
	if (!uname(&u)) {
		snprintf(os, sizeof(os), "%s %s", u.sysname, u.release);
		put_text(w, OPT_SHB_OS, os);
	}
	put_text(w, OPT_SHB_USERAPPL, application);
	block_end(w);
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
	r = put_section(w, application);
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

int pcapng_interface(struct pcapng *w, const char *name, const char *description, uint32_t snaplen,
		     uint32_t *ret_interface)
{
	static const uint8_t nanoseconds = 9; /* 10^-9 s */
	int r;

	if (!description)
		description = "";
	if (strlen(name) > PCAPNG_TEXT_MAX || strlen(description) > PCAPNG_TEXT_MAX)
		return -EINVAL;
	r = block_begin(w, BLOCK_INTERFACE, strlen(name) + strlen(description));
	if (r < 0)
		return r;
	put_u16(w, LINKTYPE_RAW);
	put_u16(w, 0);
	put_u32(w, snaplen);
	put_text(w, OPT_IF_NAME, name);
	put_text(w, OPT_IF_DESCRIPTION, description);
	put_option(w, OPT_IF_TSRESOL, &nanoseconds, sizeof(nanoseconds));
	block_end(w);
	*ret_interface = w->interfaces++;
	return 0;
}

static void put_packet_options(struct pcapng *w, const struct pcapng_packet *p)
{
	const uint32_t owner[] = { p->pid, p->tid };
	/* The two lowest bits: 1 inbound, 2 outbound. */
	uint32_t flags = p->direction == USN_DIR_IN ? 1 : p->direction == USN_DIR_OUT ? 2 : 0;

	if (flags)
		put_option(w, OPT_EPB_FLAGS, &flags, sizeof(flags));
	if (p->dropped)
		put_option(w, OPT_EPB_DROPCOUNT, &p->dropped, sizeof(p->dropped));
	if (p->pid)
		put_option(w, OPT_EPB_PROCESSID_THREADID, owner, sizeof(owner));
}

int pcapng_packet(struct pcapng *w, const struct pcapng_packet *p)
{
	int r;

	if (p->interface >= w->interfaces || p->caplen > p->len)
		return -EINVAL;
	if (p->caplen > PCAPNG_PACKET_MAX)
		return -EMSGSIZE;
	r = block_begin(w, BLOCK_PACKET, p->caplen);
	if (r < 0)
		return r;
	put_u32(w, p->interface);
	put_time(w, p->real_ns);
	put_u32(w, p->caplen);
	put_u32(w, p->len);
	put_padded(w, p->data, p->caplen);
	put_packet_options(w, p);
	block_end(w);
	return 0;
}

int pcapng_statistics(struct pcapng *w, const struct pcapng_statistics *s)
{
	int r;

	if (s->interface >= w->interfaces)
		return -EINVAL;
	r = block_begin(w, BLOCK_STATISTICS, 0);
	if (r < 0)
		return r;
	put_u32(w, s->interface);
	put_time(w, s->end_ns);
	put_time_option(w, OPT_ISB_STARTTIME, s->start_ns);
	put_time_option(w, OPT_ISB_ENDTIME, s->end_ns);
	put_option(w, OPT_ISB_IFRECV, &s->received, sizeof(s->received));
	put_option(w, OPT_ISB_IFDROP, &s->dropped, sizeof(s->dropped));
	block_end(w);
	return 0;
}

/*
 * Returns how many bytes at the buffer's begin are whole blocks that are out, and counts their
 * packets.
 */
static size_t count_written(struct pcapng *w)
{
	size_t whole = 0;

	while (whole < w->out) {
		uint32_t head[2]; /* type, length */

		memcpy(head, w->buffer + whole, sizeof(head));
		if (head[1] > w->out - whole)
			break;
		w->written += head[0] == BLOCK_PACKET;
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
	w->used -= whole;
	w->out -= whole;
	memmove(w->buffer, w->buffer + whole, w->used);
	if (w->out && cut_back(w->fd, w->out))
		w->out = 0;
	return r;
}

uint64_t pcapng_written(const struct pcapng *w)
{
	return w->written;
}
