/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Steps: the kernel's instructions that a filter becomes, and how they are emitted.
 * For the other filter_*.c.
 */
#ifndef USN_FILTER_STEPS_H
#define USN_FILTER_STEPS_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tap/filter_facts.h"
#include "tap/filter_parts.h"

enum {
	STACK = BPF_REG_10,

	/* By call: R0 to R5 are gone after each packet load, which looks for the packet in R6. */
	LENGTH = BPF_REG_1,
	SUM = BPF_REG_2,

	/* In place: no call is made, so that there is nothing to save and nothing to bring back. */
	DATA = BPF_REG_2, /* where the packet's first piece begins and ends */
	END = BPF_REG_3,
	AT = BPF_REG_4,
};

struct step {
	struct bpf_insn insn;
	int32_t target; /* of a jump: a label; -1: no jump */
};

/* What a register holds, if that is known before there is a packet. */
struct number {
	bool known;
	uint32_t value;
};

/* In place: what is known of the packet and of the registers. */
struct known {
	uint32_t sure; /* bytes that the packet's first piece has */
	uint32_t at_x; /* how far AT is behind X, in that piece; 0: it is somewhere else */
	bool small_x;  /* X is a header's length, 60 at most, and the verifier knows that */
	struct number a, x;
};

struct label {
	bool reached;
	size_t start;       /* the first step behind it */
	struct known known; /* on all ways that lead here */
};

struct translation {
	const struct filter *f;
	bool in_place;
	int ctx, a, x; /* the registers; A and X hold 32 bits, their upper halves are zero */
	const struct fact *facts;
	bool usual;   /* it is the copy for packets that begin as nearly all do (filter_usual.h) */
	int32_t here; /* the classic instruction */
	struct known known;
	struct step *steps;
	size_t n;
	/*
	 * Of the classic instructions, of their copy and, behind them, of accept,
	 * of by_call and of reject, which each copy has.
	 */
	struct label *labels;
};

/* Where the classic instruction is, in the copy that is made. */
static inline int32_t label_of(const struct translation *t, int32_t classic)
{
	return t->usual ? classic + (int32_t)t->f->n : classic;
}

static inline int32_t accept_of(const struct translation *t)
{
	return 2 * (int32_t)t->f->n;
}

/* Where the program gives up, for the other to begin anew. */
static inline int32_t by_call_of(const struct translation *t)
{
	return 2 * (int32_t)t->f->n + 1;
}

static inline int32_t reject_of(const struct translation *t)
{
	return 2 * (int32_t)t->f->n + (t->usual ? 3 : 2);
}

/* Known on one way, and the same on the other. */
static inline void filter_agree(struct number *n, const struct number *other)
{
	n->known &= other->known && n->value == other->value;
}

static inline void reach(struct translation *t, int32_t label)
{
	struct label *l = &t->labels[label];

	if (!l->reached)
		l->known = t->known;
	if (t->known.sure < l->known.sure)
		l->known.sure = t->known.sure;
	if (t->known.at_x != l->known.at_x)
		l->known.at_x = 0;
	l->known.small_x &= t->known.small_x;
	filter_agree(&l->known.a, &t->known.a);
	filter_agree(&l->known.x, &t->known.x);
	l->reached = true;
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
			int32_t label)
{
	emit(t, code, dst, src, imm);
	t->steps[t->n - 1].target = label;
	reach(t, label);
}

static inline void jump_always(struct translation *t, int32_t label)
{
	jump(t, BPF_JMP | BPF_JA, 0, 0, 0, label);
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
	emit_at(t, BPF_LDX | BPF_W | BPF_MEM, dst, t->ctx, (int16_t)offset, 0);
}

/*
 * Nearly every packet has as much, so that less is not looked for:
 * once for the whole header, of IP and of what is in it.
 */
#define FILTER_HEADER_MIN 20
#define FILTER_TRANSPORT_MIN 8

/*
 * AT goes on by so many bytes; where the packet's first piece ends before,
 * the program goes on at the label.
 */
static inline void filter_emit_bound(struct translation *t, uint32_t bytes, int32_t label)
{
	/* BPF_K: 0, like BPF_ADD */
	emit(t, BPF_ALU64 | BPF_ADD, AT, 0, bytes);
	jump(t, BPF_JMP | BPF_JGT | BPF_X, AT, END, 0, label);
}

/* X is about to change, or has changed. */
static inline void filter_forget_x(struct translation *t)
{
	t->known.at_x = 0;
	t->known.small_x = false;
	t->known.x.known = false;
}

/*
 * The jump, to where its ways lead in the copy that is made.
 * Nothing goes on behind it but what it reaches.
 */
void filter_emit_branch(struct translation *t, const struct sock_filter *c);

/* The packet's length, to a register. Each time anew. */
void filter_emit_length(struct translation *t, int dst);

/*
 * The packet's bytes at k (BPF_ABS), or at X + k (BPF_IND), to A or X; where the packet ends
 * before, it is rejected. False: no packet is that long, what follows is not reached.
 */
bool filter_emit_load(struct translation *t, int dst, uint8_t mode, uint8_t size, uint32_t k);

#endif
