// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The blocks of a pcapng file that are rare: what it is, where its packets are from,
 * whose they are, and the totals.
 */
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/cleanup.h"
#include "base/utf8.h"
#include "capture/pcapng.h"
#include "capture/pcapng_blocks.h"
#include "capture/pcapng_buffer.h"

#define BLOCK_SECTION 0x0a0d0d0aU
#define BLOCK_INTERFACE 1U
#define BLOCK_STATISTICS 5U
#define BLOCK_CUSTOM 0xbadU /* one that programs may copy which do not know it */

#define BYTE_ORDER_MAGIC 0x1a2b3c4dU
#define LINKTYPE_RAW 101 /* packets begin with an IP header of either version */

/* Option codes; those above 1 have a meaning of their own in each block. */
#define OPT_COMMENT 1
#define OPT_SHB_HARDWARE 2
#define OPT_SHB_OS 3
#define OPT_SHB_USERAPPL 4
#define OPT_IF_NAME 2
#define OPT_IF_DESCRIPTION 3
#define OPT_IF_TSRESOL 9
#define OPT_IF_FILTER 11
#define OPT_IF_OS 12
#define OPT_ISB_STARTTIME 2
#define OPT_ISB_ENDTIME 3
#define OPT_ISB_IFRECV 4
#define OPT_ISB_IFDROP 5
#define OPT_ISB_FILTERACCEPT 6
#define OPT_ISB_OSDROP 7
#define OPT_ISB_USRDELIV 8

/*
 * Wireshark's custom blocks (wiki, Development/PcapngCustom): the number of the enterprise,
 * a kind of entry, its length, and the entry.
 * That of a process, kind 3, is the body of the Process Information Block that is proposed for the
 * draft (pull request 209): the process id, and these options.
 */
#define PEN_WIRESHARK 32622U
#define ENTRY_PROCESS 3U
#define OPT_PROCESS_NAME 2
#define OPT_PROCESS_PATH 3
#define OPT_PROCESS_PARENT 5
#define OPT_PROCESS_UID 6
#define OPT_PROCESS_STARTTIME 9

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

static void put_padding(struct pcapng *w, size_t n)
{
	static const uint8_t zeros[3];

	put(w, zeros, -n & 3);
}

static void put_option(struct pcapng *w, uint16_t code, const void *data, size_t n)
{
	put_u16(w, code);
	put_u16(w, (uint16_t)n);
	put(w, data, n);
	put_padding(w, n);
}

/*
 * Texts must be UTF-8, and what a process calls itself need not be:
 * what is none becomes a question mark a byte.
 */
static void put_characters(struct pcapng *w, const char *text, size_t n)
{
	size_t length;

	for (; n; text += length, n -= length) {
		length = utf8_character(text, n);
		put(w, length ? text : "?", length ? length : 1);
		length = length ? length : 1;
	}
}

static void put_text(struct pcapng *w, uint16_t code, const char *text)
{
	size_t n = strlen(text);

	if (!n)
		return;
	put_u16(w, code);
	put_u16(w, (uint16_t)n);
	put_characters(w, text, n);
	put_padding(w, n);
}

static void put_time_option(struct pcapng *w, uint16_t code, uint64_t ns)
{
	const uint32_t words[] = { (uint32_t)(ns >> 32), (uint32_t)ns };

	put_option(w, code, words, sizeof(words));
}

/* A block with n bytes of texts. */
static int block_begin(struct pcapng *w, uint32_t type, size_t n)
{
	int r = pcapng_make_room(w, n + PCAPNG_BLOCK_OVERHEAD);

	if (r < 0)
		return r;
	w->block = w->used;
	put_u32(w, type);
	put_u32(w, 0);
	return 0;
}

/* Behind the options, if there are any. */
static void block_close(struct pcapng *w)
{
	uint32_t length = (uint32_t)(w->used - w->block + sizeof(length));

	put_u32(w, length);
	memcpy(w->buffer + w->block + 4, &length, sizeof(length));
}

static void block_end(struct pcapng *w)
{
	put_option(w, PCAPNG_OPT_END, NULL, 0);
	block_close(w);
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

int pcapng_section(struct pcapng *w, const char *application)
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

/* Its first byte says of which kind it is: 0, an expression of libpcap's. */
static void put_filter(struct pcapng *w, const char *filter)
{
	size_t n = strlen(filter);

	put_u16(w, OPT_IF_FILTER);
	put_u16(w, (uint16_t)(n + 1));
	put(w, "", 1);
	put_characters(w, filter, n);
	put_padding(w, n + 1);
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

/*
 * What is in an entry is little-endian in every file, so that programs that
 * do not know it can copy it.
 */
static void put_entry_head(struct pcapng *w, uint16_t code, size_t n)
{
	put_u16(w, htole16(code));
	put_u16(w, htole16((uint16_t)n));
}

static void put_entry_u32(struct pcapng *w, uint16_t code, uint32_t value)
{
	put_entry_head(w, code, sizeof(value));
	put_u32(w, htole32(value));
}

static void put_entry_text(struct pcapng *w, uint16_t code, const char *text)
{
	size_t n = text ? strlen(text) : 0;

	if (!n)
		return;
	put_entry_head(w, code, n);
	put_characters(w, text, n);
	put_padding(w, n);
}

static void put_process(struct pcapng *w, const struct pcapng_process *p)
{
	uint64_t start = htole64(p->start_ns);

	put_u32(w, htole32(p->pid));
	put_entry_text(w, OPT_PROCESS_NAME, p->name);
	put_entry_text(w, OPT_PROCESS_PATH, p->path);
	if (p->parent)
		put_entry_u32(w, OPT_PROCESS_PARENT, p->parent);
	if (p->uid != UINT32_MAX)
		put_entry_u32(w, OPT_PROCESS_UID, p->uid);
	if (p->start_ns) {
		put_entry_head(w, OPT_PROCESS_STARTTIME, sizeof(start));
		put(w, &start, sizeof(start));
	}
	put_entry_text(w, OPT_COMMENT, p->comment);
	put_entry_head(w, PCAPNG_OPT_END, 0);
}

int pcapng_process(struct pcapng *w, const struct pcapng_process *p)
{
	const char *const texts[] = { p->name, p->path, p->comment };
	size_t i, all = 0, at;
	uint32_t length;
	int r;

	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		if (texts[i] && strlen(texts[i]) > PCAPNG_TEXT_MAX)
			return -EINVAL;
		all += texts[i] ? strlen(texts[i]) : 0;
	}
	r = block_begin(w, BLOCK_CUSTOM, all);
	if (r < 0)
		return r;
	put_u32(w, PEN_WIRESHARK);
	put_u32(w, htole32(ENTRY_PROCESS));
	at = w->used;
	put_u32(w, 0);
	put_process(w, p);
	length = htole32((uint32_t)(w->used - at - sizeof(length)));
	memcpy(w->buffer + at, &length, sizeof(length));
	/* The block has no options beside those of its entry. */
	block_close(w);
	return 0;
}

/*
 * The draft has interface, filter and system drop packets at three places.
 * Here there is one, the ring: what it had no room for is told where readers look for it,
 * and the filter has let it through.
 */
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
