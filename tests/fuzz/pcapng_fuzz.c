// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Any interfaces, processes, packets and totals, in any order, written as pcapng and read back: the
 * file says what was asked for, and nothing else.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "capture/pcapng.h"
#include "fuzz.h"
#include "pcapng_reader.h"

#define LARGEST 300000 /* bytes; the writer's buffer is smaller */

struct script {
	const uint8_t *data;
	size_t size;
	struct pcapng *w;
	FILE *expected; /* as pcapng_text() has it */
	uint32_t interfaces;
};

static uint64_t take(struct script *s, size_t n)
{
	uint64_t value = 0;

	for (; n && s->size; n--, s->size--)
		value = value << 8 | *s->data++;
	return value;
}

/* Each byte that is in no character is a question mark. JSON's reader knows what is one. */
static void expect_characters(struct script *s, const char *text)
{
	size_t left = strlen(text), n;
	json_t *character = NULL;

	for (; left; text += n, left -= n) {
		for (n = 1; n <= 4 && n <= left && !(character = json_stringn(text, n)); n++)
			;
		if (!character)
			n = 1;
		put_bytes(s->expected,
			  (struct bytes){ (const uint8_t *)(character ? text : "?"), n });
		json_decref(character);
		character = NULL;
	}
}

static void expect_text(struct script *s, int code, const char *text)
{
	if (!*text)
		return;
	fprintf(s->expected, " %d=", code);
	expect_characters(s, text);
}

static void expect_number(struct script *s, int code, uint64_t value, size_t size)
{
	fprintf(s->expected, " %d=", code);
	put_bytes(s->expected, (struct bytes){ (const uint8_t *)&value, size });
}

static void expect_stamp(struct script *s, int code, uint64_t ns)
{
	const uint32_t words[] = { (uint32_t)(ns >> 32), (uint32_t)ns };

	fprintf(s->expected, " %d=", code);
	put_bytes(s->expected, (struct bytes){ (const uint8_t *)words, sizeof(words) });
}

static void do_interface(struct script *s)
{
	char *name = take_string(&s->data, &s->size), *what = take_string(&s->data, &s->size);
	char *filter = take_string(&s->data, &s->size);
	uint32_t snaplen = (uint32_t)take(s, 2), got = UINT32_MAX;
	int r = pcapng_interface(s->w, name, what, filter, snaplen, &got);
	struct utsname u;

	if (r < 0) {
		demand(r == -EINVAL &&
		       (strlen(name) > PCAPNG_TEXT_MAX || strlen(what) > PCAPNG_TEXT_MAX ||
			strlen(filter) >= UINT16_MAX));
	} else {
		demand(got == s->interfaces++ && !uname(&u));
		fprintf(s->expected, "interface %u", snaplen);
		expect_text(s, 2, name);
		expect_text(s, 3, what);
		expect_number(s, 9, 9, 1);
		/* A first byte of zero says that it is text. */
		if (*filter) {
			fputs(" 11=00", s->expected);
			expect_characters(s, filter);
		}
		expect_text(s, 12, u.sysname);
		fputc('\n', s->expected);
	}
	free(name);
	free(what);
	free(filter);
}

static void do_process(struct script *s)
{
	char *texts[3];
	struct pcapng_process p = { .pid = (uint32_t)take(s, 4),
				    .parent = (uint32_t)take(s, 1),
				    .uid = take(s, 1) ? (uint32_t)take(s, 4) : UINT32_MAX,
				    .start_ns = take(s, 1) ? take(s, 8) : 0 };
	int r;

	for (int i = 0; i < 3; i++)
		texts[i] = take_string(&s->data, &s->size);
	p.name = texts[0];
	p.path = texts[1];
	p.comment = texts[2];
	r = pcapng_process(s->w, &p);
	demand(!r || r == -EINVAL);
	if (!r) {
		fprintf(s->expected, "process %u", p.pid);
		expect_text(s, 2, p.name);
		expect_text(s, 3, p.path);
		if (p.parent)
			expect_number(s, 5, p.parent, 4);
		if (p.uid != UINT32_MAX)
			expect_number(s, 6, p.uid, 4);
		if (p.start_ns)
			expect_number(s, 9, p.start_ns, 8);
		expect_text(s, 1, p.comment);
		fputc('\n', s->expected);
	}
	for (int i = 0; i < 3; i++)
		free(texts[i]);
}

static void expect_packet(struct script *s, const struct pcapng_packet *p)
{
	uint32_t flags = p->direction | (uint32_t)(p->flags & 7) << 9;

	fprintf(s->expected, "packet %u %lu %u ", p->interface, p->real_ns, p->len);
	put_bytes(s->expected, (struct bytes){ p->data, p->caplen });
	if (flags)
		expect_number(s, 2, flags, 4);
	if (p->dropped)
		expect_number(s, 4, p->dropped, 8);
	if (p->id)
		expect_number(s, 5, p->id, 8);
	if (p->has_verdict) {
		fputs(" 7=01", s->expected);
		put_bytes(s->expected, (struct bytes){ (const uint8_t *)&p->verdict, 8 });
	}
	if (p->pid)
		expect_number(s, 8, p->pid | (uint64_t)p->tid << 32, 8);
	fputc('\n', s->expected);
}

static void do_packet(struct script *s)
{
	static const uint8_t large[LARGEST];
	uint8_t has = (uint8_t)take(s, 1);
	struct pcapng_packet p = { .interface = (uint32_t)take(s, 1),
				   .real_ns = take(s, 8),
				   .direction = (has & 3) % 3,
				   .flags = (uint8_t)take(s, 1),
				   .pid = has & 4 ? (uint32_t)take(s, 4) : 0,
				   .tid = (uint32_t)take(s, 2),
				   .id = has & 8 ? take(s, 8) : 0,
				   .dropped = has & 16 ? take(s, 8) : 0,
				   .has_verdict = has & 32,
				   .verdict = (int64_t)take(s, 1) - 128 };
	uint32_t n = (uint32_t)take(s, 1), more = (uint32_t)take(s, 2);
	uint8_t *own;
	int r;

	p.data = s->data;
	p.caplen = n < s->size ? n : (uint32_t)s->size;
	s->data += p.caplen;
	s->size -= p.caplen;
	if (has & 64) {
		p.data = large;
		p.caplen = more * 4 < LARGEST ? more * 4 : LARGEST;
	}
	p.len = has & 128 ? more : p.caplen + more;
	/* Of its own, so that a byte more than there is would be found. */
	own = malloc(p.caplen);
	demand(own || !p.caplen);
	if (p.caplen)
		memcpy(own, p.data, p.caplen);
	p.data = own;
	r = pcapng_packet(s->w, &p);
	if (p.interface >= s->interfaces || p.caplen > p.len)
		demand(r == -EINVAL);
	else
		demand(!r);
	if (!r)
		expect_packet(s, &p);
	free(own);
}

static void do_statistics(struct script *s)
{
	struct pcapng_statistics t = { .interface = (uint32_t)take(s, 1),
				       .start_ns = take(s, 8),
				       .end_ns = take(s, 8),
				       .received = take(s, 8),
				       .dropped = take(s, 8),
				       .delivered = take(s, 8) };
	int r = pcapng_statistics(s->w, &t);

	demand(r == (t.interface < s->interfaces ? 0 : -EINVAL));
	if (r)
		return;
	fprintf(s->expected, "statistics %u %lu", t.interface, t.end_ns);
	expect_stamp(s, 2, t.start_ns);
	expect_stamp(s, 3, t.end_ns);
	expect_number(s, 4, t.received, 8);
	expect_number(s, 5, t.dropped, 8);
	expect_number(s, 6, t.received, 8);
	expect_number(s, 7, t.dropped, 8);
	expect_number(s, 8, t.delivered, 8);
	fputc('\n', s->expected);
}

static void do_flush(struct script *s)
{
	demand(!pcapng_flush(s->w));
}

static void play(struct script *s)
{
	static void (*const acts[])(struct script * s) = { do_interface, do_process, do_packet,
							   do_statistics, do_flush };

	for (int i = 0; s->size && i < 64; i++)
		acts[take(s, 1) % (sizeof(acts) / sizeof(acts[0]))](s);
	demand(!pcapng_flush(s->w));
}

static void compare_with(int fd, const char *expected, uint64_t size)
{
	struct stat st;
	uint8_t *file;
	char *text;

	demand(!fstat(fd, &st) && (uint64_t)st.st_size == size);
	file = malloc(size);
	demand(file && pread(fd, file, size, 0) == (ssize_t)size);
	text = pcapng_text(file, size);
	demand(!strcmp(text, expected));
	free(text);
	free(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	struct script s = { .data = data, .size = size };
	char *expected = NULL;
	size_t n = 0;

	if (fd < 0)
		fd = memfd_create("capture", MFD_CLOEXEC);
	demand(fd >= 0 && !ftruncate(fd, 0) && !lseek(fd, 0, SEEK_SET));
	s.expected = open_memstream(&expected, &n);
	demand(s.expected && !pcapng_open(fd, "fuzz", &s.w));
	play(&s);
	demand(!fclose(s.expected));
	compare_with(fd, expected, pcapng_size(s.w));
	pcapng_free(s.w);
	free(expected);
	return 0;
}
