// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Filters: the loads of a packet's bytes.
 *
 * The kernel's packet load is a call, and most of what a filter costs. The first part of a packet, where headers are, lies in one
 * piece and is read in place; only beyond it is the call made. That is three times the instructions, and not every verifier
 * follows it: filter_load() knows what to do then.
 */
#include <linux/bpf.h>

#include "lib/filter_steps.h"

/* X, and k, up to here: the verifier follows an offset of 16 bits, an instruction has 15. */
#define IN_PLACE_MAX 0x7000

static uint32_t bytes_of(uint8_t size)
{
	return size == BPF_W ? 4 : size == BPF_H ? 2 : 1;
}

/* The verifier would remember what it knows of a register, and follow each length on a path of its own. */
void filter_emit_length(struct translation *t, int dst)
{
	load_field(t, dst, offsetof(struct __sk_buff, len));
}

/* The bytes at k, or at X + k, to R0, by a call; where the packet ends before, it is rejected. */
static void load_by_call(struct translation *t, uint8_t mode, uint8_t size, uint32_t k)
{
	filter_emit_length(t, TMP);
	if (mode == BPF_ABS) {
		jump(t, BPF_JMP32 | BPF_JLT | BPF_K, TMP, 0, k + bytes_of(size), reject_of(t));
	} else {
		/* 64 bits wide, so that nothing wraps. */
		emit(t, BPF_ALU64 | BPF_MOV | BPF_X, TMP2, X, 0);
		/* BPF_K: 0, like BPF_ADD */
		emit(t, BPF_ALU64 | BPF_ADD, TMP2, 0, k + bytes_of(size));
		jump(t, BPF_JMP | BPF_JGT | BPF_X, TMP2, TMP, 0, reject_of(t));
	}
	emit(t, BPF_LD | mode | size, 0, mode == BPF_IND ? X : 0, k);
}

/*
 * As load_by_call(), with the way in place before it. The call stands first, and the jump leads over it: the verifier looks at what
 * it falls into before what it jumps to, and the byte of a call, of which it knows nothing, covers the one in place.
 */
static void load_in_place(struct translation *t, uint8_t mode, uint8_t size, uint32_t k)
{
	size_t far = 0, near, done;

	if (mode == BPF_IND) {
		far = t->n;
		emit(t, BPF_JMP32 | BPF_JGT | BPF_K, X, 0, IN_PLACE_MAX);
	}
	load_field(t, TMP, offsetof(struct __sk_buff, data));
	if (mode == BPF_IND) {
		/* Changes nothing: the verifier of Linux 6.12 follows ways that cannot be, and has no bounds there. */
		emit(t, BPF_ALU64 | BPF_MOV | BPF_X, END, X, 0);
		emit(t, BPF_ALU64 | BPF_AND | BPF_K, END, 0, 0x7fff);
		emit(t, BPF_ALU64 | BPF_ADD | BPF_X, TMP, END, 0);
	}
	emit(t, BPF_ALU64 | BPF_MOV | BPF_X, TMP2, TMP, 0);
	emit(t, BPF_ALU64 | BPF_ADD, TMP2, 0, k + bytes_of(size));
	load_field(t, END, offsetof(struct __sk_buff, data_end));
	near = t->n;
	emit(t, BPF_JMP | BPF_JLE | BPF_X, TMP2, END, 0);
	if (mode == BPF_IND)
		land(t, far);
	load_by_call(t, mode, size, k);
	done = t->n;
	emit(t, BPF_JMP | BPF_JA, 0, 0, 0);
	land(t, near);
	emit_at(t, BPF_LDX | BPF_MEM | size, 0, TMP, (int16_t)k, 0);
	if (size != BPF_B)
		emit(t, BPF_ALU | BPF_END | BPF_TO_BE, 0, 0, bytes_of(size) * 8);
	land(t, done);
}

bool filter_emit_load(struct translation *t, uint8_t mode, uint8_t size, uint32_t k)
{
	if (k > INT32_MAX - bytes_of(size)) {
		jump_always(t, reject_of(t));
		return false;
	}
	if (t->in_place && k < IN_PLACE_MAX)
		load_in_place(t, mode, size, k);
	else
		load_by_call(t, mode, size, k);
	return true;
}
