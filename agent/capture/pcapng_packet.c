// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The block of a packet, which is nearly all that a pcapng file consists of,
 * and nearly all that a capture does.
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <usn/abi.h>

#include "base/cold.h"
#include "capture/pcapng.h"
#include "capture/pcapng_buffer.h"

#define OPT_EPB_FLAGS 2
#define OPT_EPB_DROPCOUNT 4
#define OPT_EPB_PACKETID 5
#define OPT_EPB_VERDICT 7
#define OPT_EPB_PROCESSID_THREADID 8

/*
 * epb_flags (section 4.3.1 of the draft): 1 in, 2 out; checksum not ready, checksum valid and to
 * be segmented from bit 9 on. A record has the same numbers and the same order.
 */
#define FLAGS_SHIFT 9
_Static_assert(USN_DIR_IN == 1 && USN_DIR_OUT == 2, "the directions of epb_flags");
_Static_assert(USN_PACKET_CHECKSUM_OPEN == 1 && USN_PACKET_CHECKSUM_GOOD == 2 &&
		       USN_PACKET_GSO == 4,
	       "the order of epb_flags");
#define PACKET_FLAGS (USN_PACKET_CHECKSUM_OPEN | USN_PACKET_CHECKSUM_GOOD | USN_PACKET_GSO)

#define VERDICT_TC 1 /* what follows is a TC_ACT_*, 64 bits */

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
	*at++ = PCAPNG_OPT_END;
	return at;
}

/*
 * The options of nearly every packet, with the length behind them:
 * stored at once, without a question for each.
 */
struct usual_end {
	uint32_t flags_head, flags;
	uint32_t id_head, id[2];
	uint32_t process_head, pid, tid;
	uint32_t end, length;
};

static bool is_usual(const struct pcapng_packet *p, uint32_t flags)
{
	return flags && p->id && p->pid && !p->dropped && !p->has_verdict;
}

static uint32_t *store_usual_end(uint32_t *at, const struct pcapng_packet *p, uint32_t flags)
{
	struct usual_end *u = (struct usual_end *)(void *)at;

	u->flags_head = option_head(OPT_EPB_FLAGS, sizeof(flags));
	u->flags = flags;
	u->id_head = option_head(OPT_EPB_PACKETID, sizeof(p->id));
	memcpy(u->id, &p->id, sizeof(p->id));
	u->process_head = option_head(OPT_EPB_PROCESSID_THREADID, 8);
	u->pid = p->pid;
	u->tid = p->tid;
	u->end = PCAPNG_OPT_END;
	return &u->length;
}

/* Unaligned. */
typedef long long piece __attribute__((vector_size(16), aligned(1), may_alias));

/* Two of them. */
#define STEP (2 * sizeof(piece))

static void copy_step(uint8_t *to, const uint8_t *from)
{
	const piece first = *(const piece *)from, second = *(const piece *)(from + sizeof(piece));

	*(piece *)to = first;
	*(piece *)(to + sizeof(piece)) = second;
}

/*
 * memcpy(), for short packets without the call and the choice how,
 * which took longer than their bytes.
 */
static void copy(uint8_t *to, const uint8_t *from, size_t n)
{
	size_t i;

	if (n < STEP || n > 8 * STEP) {
		memcpy(to, from, n);
		return;
	}
	for (i = 0; i < n - STEP; i += STEP) {
		copy_step(to + i, from + i);
		/* The compiler would make a memcpy() of the loop. */
		__asm__ volatile("" ::: "memory");
	}
	copy_step(to + n - STEP, from + n - STEP);
}

/*
 * One look whether there is room, and then words are stored where they belong.
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
	if (w->size - w->used < p->caplen + PCAPNG_BLOCK_OVERHEAD) {
		r = pcapng_make_room(w, p->caplen + PCAPNG_BLOCK_OVERHEAD);
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
		copy((uint8_t *)at, p->data, p->caplen);
	}
	at += (p->caplen + 3) / 4;
	if (likely(is_usual(p, flags)))
		at = store_usual_end(at, p, flags);
	else
		at = store_options(at, p, flags);
	length = (uint32_t)((at + 1 - block) * sizeof(*at));
	*at = block[1] = length;
	w->used += length;
	w->buffered++;
	return 0;
}
