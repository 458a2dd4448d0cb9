// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Filters: the loads of a packet's bytes.
 *
 * The kernel's packet load is a call, and most of what a filter costs.
 * The first piece of a packet, where headers are, is read in place.
 * What a load needs of it is looked at once on each way through the program, and where it is not
 * there the form with the calls begins anew: a filter has changed nothing until then.
 */
#include <linux/bpf.h>

#include "tap/filter_steps.h"

/* X, and k, up to here: the verifier follows an offset of 16 bits, an instruction has 15. */
#define IN_PLACE_MAX 0x7000

static uint32_t bytes_of(uint8_t size)
{
	return size == BPF_W ? 4 : size == BPF_H ? 2 : 1;
}

/*
 * The verifier would remember what it knows of a register,
 * and follow each length on a path of its own.
 */
void filter_emit_length(struct translation *t, int dst)
{
	load_field(t, dst, offsetof(struct __sk_buff, len));
}

static void load_by_call(struct translation *t, int dst, uint8_t mode, uint8_t size, uint32_t k)
{
	filter_emit_length(t, LENGTH);
	if (mode == BPF_ABS) {
		jump(t, BPF_JMP32 | BPF_JLT | BPF_K, LENGTH, 0, k + bytes_of(size), reject_of(t));
	} else {
		/* 64 bits wide, so that nothing wraps. */
		emit(t, BPF_ALU64 | BPF_MOV | BPF_X, SUM, t->x, 0);
		/* BPF_K: 0, like BPF_ADD */
		emit(t, BPF_ALU64 | BPF_ADD, SUM, 0, k + bytes_of(size));
		jump(t, BPF_JMP | BPF_JGT | BPF_X, SUM, LENGTH, 0, reject_of(t));
	}
	emit(t, BPF_LD | mode | size, 0, mode == BPF_IND ? t->x : 0, k);
	move(t, dst, BPF_REG_0);
}

/* The end of what is loaded, to AT; the packet's first piece has to reach that far. */
static void reach_end(struct translation *t, uint8_t mode, uint32_t end)
{
	if (mode == BPF_IND) {
		if (!t->known.small_x)
			jump(t, BPF_JMP32 | BPF_JGT | BPF_K, t->x, 0, IN_PLACE_MAX, by_call_of(t));
		emit(t, BPF_ALU64 | BPF_MOV | BPF_X, AT, t->x, 0);
		/*
		 * Changes nothing: the verifier of Linux 6.12 follows ways that cannot be,
		 * and has no bounds there.
		 */
		if (!t->known.small_x)
			emit(t, BPF_ALU64 | BPF_AND | BPF_K, AT, 0, 0x7fff);
		emit(t, BPF_ALU64 | BPF_ADD | BPF_X, AT, DATA, 0);
	} else {
		emit(t, BPF_ALU64 | BPF_MOV | BPF_X, AT, DATA, 0);
	}
	t->known.at_x = mode == BPF_IND ? end : 0;
	filter_emit_bound(t, end, by_call_of(t));
}

static uint32_t more(uint32_t end, uint32_t least)
{
	return end < least ? least : end;
}

static void load_in_place(struct translation *t, int dst, uint8_t mode, uint8_t size, uint32_t k)
{
	uint32_t end;

	if (mode == BPF_IND && t->known.x.known) {
		mode = BPF_ABS;
		k += t->known.x.value;
	}
	end = k + bytes_of(size);
	if (mode == BPF_IND) {
		if (end > t->known.at_x)
			reach_end(t, mode, more(end, FILTER_TRANSPORT_MIN));
		emit_at(t, BPF_LDX | BPF_MEM | size, dst, AT, (int16_t)(k - t->known.at_x), 0);
	} else {
		if (end > t->known.sure) {
			t->known.sure = more(end, FILTER_HEADER_MIN);
			reach_end(t, mode, t->known.sure);
		}
		emit_at(t, BPF_LDX | BPF_MEM | size, dst, DATA, (int16_t)k, 0);
	}
	if (size != BPF_B && !t->facts[t->here].bytes)
		emit(t, BPF_ALU | BPF_END | BPF_TO_BE, dst, 0, bytes_of(size) * 8);
}

bool filter_emit_load(struct translation *t, int dst, uint8_t mode, uint8_t size, uint32_t k)
{
	if (k > INT32_MAX - bytes_of(size)) {
		jump_always(t, reject_of(t));
		return false;
	}
	if (!t->in_place) {
		load_by_call(t, dst, mode, size, k);
		return true;
	}
	if (k > IN_PLACE_MAX) {
		jump_always(t, by_call_of(t));
		return false;
	}
	load_in_place(t, dst, mode, size, k);
	return true;
}
