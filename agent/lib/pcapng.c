// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The pcapng writer: blocks into a buffer, whole blocks from the buffer to the kernel. */
#include <endian.h>
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
#define BLOCK_CUSTOM 0xbadU

#define BYTE_ORDER_MAGIC 0x1a2b3c4dU
#define LINKTYPE_RAW 101 /* packets begin with an IP header of either version */

/* Option codes; those above 1 have a meaning of their own in each block. */
#define OPT_END 0
#define OPT_SHB_HARDWARE 2
#define OPT_SHB_OS 3
#define OPT_SHB_USERAPPL 4
#define OPT_IF_NAME 2
#define OPT_IF_DESCRIPTION 3
#define OPT_IF_TSRESOL 9
#define OPT_IF_FILTER 11
#define OPT_IF_OS 12
#define OPT_EPB_FLAGS 2
#define OPT_EPB_DROPCOUNT 4
#define OPT_EPB_PACKETID 5
#define OPT_EPB_PROCESSID_THREADID 8
#define OPT_ISB_STARTTIME 2
#define OPT_ISB_ENDTIME 3
#define OPT_ISB_IFRECV 4
#define OPT_ISB_IFDROP 5
#define OPT_ISB_FILTERACCEPT 6
#define OPT_ISB_OSDROP 7
#define OPT_ISB_USRDELIV 8

/* epb_flags (section 4.3.1 of the draft) */
#define FLAG_IN 1U
#define FLAG_OUT 2U
#define FLAG_CHECKSUM_OPEN (1U << 9)
#define FLAG_CHECKSUM_GOOD (1U << 10)
#define FLAG_SEGMENTED (1U << 11)

/* Wireshark's custom blocks: number of the enterprise, kind, and the options of a process (wiki, Development/PcapngCustom) */
#define PEN_WIRESHARK 32622U
#define ENTRY_PROCESS 3U
#define OPT_PROCESS_NAME 2
#define OPT_PROCESS_PATH 3

/* More than any block needs beside its texts and its packet. */
#define BLOCK_OVERHEAD 256

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

/* As put_text, but little-endian. */
static void put_little_text(struct pcapng *w, uint16_t code, const char *text, size_t n)
{
	if (!n)
		return;
	put_u16(w, htole16(code));
	put_u16(w, htole16((uint16_t)n));
	put_padded(w, text, n);
}

static void put_time_option(struct pcapng *w, uint16_t code, uint64_t ns)
{
	const uint32_t words[] = { (uint32_t)(ns >> 32), (uint32_t)ns };

	put_option(w, code, words, sizeof(words));
}

/* Makes room for so many bytes. Flushes only if the buffer is full. */
static int make_room(struct pcapng *w, size_t need)
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

/* A block with n bytes of variable size. */
static int block_begin(struct pcapng *w, uint32_t type, size_t n)
{
	int r = make_room(w, n + BLOCK_OVERHEAD);

	if (r < 0)
		return r;
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

/* "model name	: ..." of the first processor; "" where that is not said. */
static void cpu_model(char *ret, size_t size)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/cpuinfo", "re");
	char line[256], *value;

	*ret = '\0';
	while (f && fgets(line, sizeof(line), f)) {
		value = strncmp(line, "model name", 10) ? NULL : strstr(line, ": ");
		if (!value)
			continue;
		value[strcspn(value, "\n")] = '\0';
		snprintf(ret, size, "%s", value + 2);
		return;
	}
}

static int put_section(struct pcapng *w, const char *application)
{
	char os[sizeof(struct utsname)], model[256], hardware[512];
	struct utsname u;
	int r;

	r = block_begin(w, BLOCK_SECTION, strlen(application) + sizeof(os) + sizeof(hardware));
	if (r < 0)
		return r;
	put_u32(w, BYTE_ORDER_MAGIC);
	put_u16(w, 1); /* version 1.0 */
	put_u16(w, 0);
	put_u32(w, UINT32_MAX); /* section length: not known */
	put_u32(w, UINT32_MAX);
	if (!uname(&u)) {
		cpu_model(model, sizeof(model));
		snprintf(hardware, sizeof(hardware), "%s%s%s", u.machine, *model ? ", " : "",
			 model);
		put_text(w, OPT_SHB_HARDWARE, hardware);
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

/* Its first byte says of which kind it is: 0, an expression of libpcap's. */
static void put_filter(struct pcapng *w, const char *filter)
{
	size_t n = strlen(filter);

	put_u16(w, OPT_IF_FILTER);
	put_u16(w, (uint16_t)(n + 1));
	put(w, "", 1);
	put(w, filter, n);
	put(w, "\0\0", -(n + 1) & 3);
}

int pcapng_interface(struct pcapng *w, const char *name, const char *description,
		     const char *filter, uint32_t snaplen, uint32_t *ret_interface)
{
	static const uint8_t nanoseconds = 9; /* 10^-9 s */
	struct utsname u;
	int r;

	if (!description)
		description = "";
	if (!filter)
		filter = "";
	if (strlen(name) > PCAPNG_TEXT_MAX || strlen(description) > PCAPNG_TEXT_MAX ||
	    strlen(filter) >= UINT16_MAX)
		return -EINVAL;
	r = block_begin(w, BLOCK_INTERFACE,
			strlen(name) + strlen(description) + strlen(filter) + sizeof(u));
	if (r < 0)
		return r;
	put_u16(w, LINKTYPE_RAW);
	put_u16(w, 0);
	put_u32(w, snaplen);
	put_text(w, OPT_IF_NAME, name);
	put_text(w, OPT_IF_DESCRIPTION, description);
	put_option(w, OPT_IF_TSRESOL, &nanoseconds, sizeof(nanoseconds));
	if (*filter)
		put_filter(w, filter);
	if (!uname(&u))
		put_text(w, OPT_IF_OS, u.sysname);
	block_end(w);
	*ret_interface = w->interfaces++;
	return 0;
}

/* What is in it is little-endian in every file, so that a program that does not know it can copy it. */
int pcapng_process(struct pcapng *w, const struct pcapng_process *p)
{
	size_t at, name = strlen(p->name), path = p->path ? strlen(p->path) : 0;
	uint32_t length;
	int r;

	if (name > PCAPNG_TEXT_MAX || path > PCAPNG_TEXT_MAX)
		return -EINVAL;
	r = block_begin(w, BLOCK_CUSTOM, name + path);
	if (r < 0)
		return r;
	put_u32(w, PEN_WIRESHARK);
	put_u32(w, htole32(ENTRY_PROCESS));
	at = w->used;
	put_u32(w, 0);
	put_u32(w, htole32(p->pid));
	put_little_text(w, OPT_PROCESS_NAME, p->name, name);
	put_little_text(w, OPT_PROCESS_PATH, p->path, path);
	put_u32(w, OPT_END);
	length = htole32((uint32_t)(w->used - at - sizeof(length)));
	memcpy(w->buffer + at, &length, sizeof(length));
	block_end(w);
	return 0;
}

static uint32_t epb_flags(const struct pcapng_packet *p)
{
	uint32_t flags = p->direction == USN_DIR_IN    ? FLAG_IN
			 : p->direction == USN_DIR_OUT ? FLAG_OUT
						       : 0;

	if (p->flags & USN_PACKET_CHECKSUM_OPEN)
		flags |= FLAG_CHECKSUM_OPEN;
	if (p->flags & USN_PACKET_CHECKSUM_GOOD)
		flags |= FLAG_CHECKSUM_GOOD;
	if (p->flags & USN_PACKET_GSO)
		flags |= FLAG_SEGMENTED;
	return flags;
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
	r = make_room(w, p->caplen + BLOCK_OVERHEAD);
	if (r < 0)
		return r;
	block = at = (uint32_t *)(void *)(w->buffer + w->used);
	at[0] = BLOCK_PACKET;
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
	put_option(w, OPT_ISB_FILTERACCEPT, &s->received, sizeof(s->received));
	put_option(w, OPT_ISB_OSDROP, &s->dropped, sizeof(s->dropped));
	put_option(w, OPT_ISB_USRDELIV, &s->delivered, sizeof(s->delivered));
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
		w->written += head[0] == BLOCK_PACKET;
		w->buffered -= head[0] == BLOCK_PACKET;
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
