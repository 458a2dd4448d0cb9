/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Steps: the kernel's instructions that a filter becomes, and how they are emitted. For filter_translate.c and filter_packet.c. */
#ifndef USN_FILTER_STEPS_H
#define USN_FILTER_STEPS_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/filter_parts.h"

enum {
	TMP = BPF_REG_1, /* R0 to R5 are gone after each packet load */
	TMP2 = BPF_REG_2,
	END = BPF_REG_3,
	CTX = BPF_REG_6, /* where packet loads look for it */
	A = BPF_REG_7,
	X = BPF_REG_8,
	STACK = BPF_REG_10,
};

struct step {
	struct bpf_insn insn;
	int32_t target; /* of a jump: the index of a classic instruction, or accept, or reject; -1: no jump */
};

struct translation {
	const struct filter *f;
	bool in_place; /* packets are read without a call where that is possible */
	struct step *steps;
	size_t n;
	/* Of each classic instruction and, behind them, of accept and of reject: whether it is reached, and the first step. */
	bool *reached;
	size_t *start;
};

static inline int32_t accept_of(const struct translation *t)
{
	return (int32_t)t->f->n;
}

static inline int32_t reject_of(const struct translation *t)
{
	return (int32_t)t->f->n + 1;
}

static inline void emit_at(struct translation *t, int code, int dst, int src, int16_t off,
			   uint32_t imm)
{
	t->steps[t->n++] = (struct step){
		.insn = { .code = (uint8_t)code,
			  .dst_reg = (uint8_t)dst & 15,
			  .src_reg = (uint8_t)src & 15,
			  .off = off,
			  .imm = (int32_t)imm },
		.target = -1,
	};
}

static inline void emit(struct translation *t, int code, int dst, int src, uint32_t imm)
{
	emit_at(t, code, dst, src, 0, imm);
}

static inline void jump(struct translation *t, int code, int dst, int src, uint32_t imm,
			int32_t target)
{
	emit(t, code, dst, src, imm);
	t->steps[t->n - 1].target = target;
	t->reached[target] = true;
}

static inline void jump_always(struct translation *t, int32_t target)
{
	jump(t, BPF_JMP | BPF_JA, 0, 0, 0, target);
}

static inline void move(struct translation *t, int dst, int src)
{
	emit(t, BPF_ALU | BPF_MOV | BPF_X, dst, src, 0);
}

static inline void set(struct translation *t, int dst, uint32_t k)
{
	emit(t, BPF_ALU | BPF_MOV | BPF_K, dst, 0, k);
}

static inline void load_field(struct translation *t, int dst, size_t offset)
{
	emit_at(t, BPF_LDX | BPF_W | BPF_MEM, dst, CTX, (int16_t)offset, 0);
}

/* Has the jump at the index go to what is emitted next. */
static inline void land(struct translation *t, size_t from)
{
	t->steps[from].insn.off = (int16_t)(t->n - from - 1);
}

/* The packet's length, to a register. Each time anew. */
void filter_emit_length(struct translation *t, int dst);

/*
 * The packet's bytes at k (BPF_ABS), or at X + k (BPF_IND), to R0; where the packet ends before, it is rejected. False: no packet is
 * that long, what follows is not reached.
 */
bool filter_emit_load(struct translation *t, uint8_t mode, uint8_t size, uint32_t k);

#endif
