// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Filters: from the classic program to one of the kernel's.
 *
 * Theory of operation: A and X are two registers. Instructions become
 * their like, one by one, except where the kernel's would do something else:
 *  - A load beyond the packet rejects the packet. The kernel's own packet loads (BPF_LD_ABS,
 *    BPF_LD_IND) would return 0, which is TCX_PASS and ends the chain for the taps behind.
 *    So the length is compared before.
 *  - A load at or above 2^31, where the kernel has its extensions (SKF_AD_OFF), rejects the packet:
 *    no packet is that long. A sum X + k that wraps is beyond the packet, too.
 *  - Division by X = 0 rejects the packet; a shift by X > 31 gives 0.
 * What libpcap's bpf_filter() does is the measure.
 *
 * The verifier wants each instruction to be reached and all scratch memory to be written before it
 * is read. The encoding is in Documentation/bpf/standardization/instruction-set.rst of the kernel.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "tap/filter.h"
#include "tap/filter_facts.h"
#include "tap/filter_parts.h"
#include "tap/filter_steps.h"
#include "tap/filter_usual.h"

/* enum tcx_action_base of 6.6; TC_ACT_UNSPEC before, with the same meaning. */
#define NEXT (-1)

/* The most that one instruction becomes: a load at X + k. */
#define GROWTH 8
/* The instructions before and behind. */
#define FRAME (9 + BPF_MEMWORDS + 18)

/* Where M[k] is on the stack. */
static int16_t scratch(uint32_t k)
{
	return (int16_t)(4 * (int)k - 4 * BPF_MEMWORDS);
}

/* True: the program goes on behind the instruction. */
static bool load(struct translation *t, const struct sock_filter *c)
{
	int dst = BPF_CLASS(c->code) == BPF_LD ? t->a : t->x;

	if (dst == t->x)
		filter_forget_x(t);
	else
		t->known.a.known = false;
	switch (BPF_MODE(c->code)) {
	case BPF_IMM:
		set(t, dst, c->k);
		return true;
	case BPF_MEM:
		emit_at(t, BPF_LDX | BPF_MEM | BPF_W, dst, STACK, scratch(c->k), 0);
		return true;
	case BPF_LEN:
		filter_emit_length(t, dst);
		return true;
	case BPF_MSH:
		if (!filter_emit_load(t, t->x, BPF_ABS, BPF_B, c->k))
			return false;
		emit(t, BPF_ALU | BPF_AND | BPF_K, t->x, 0, 0xf);
		emit(t, BPF_ALU | BPF_LSH | BPF_K, t->x, 0, 2);
		t->known.small_x = true;
		return true;
	default:
		return filter_emit_load(t, t->a, BPF_MODE(c->code), BPF_SIZE(c->code), c->k);
	}
}

static void calculate(struct translation *t, const struct sock_filter *c)
{
	int op = BPF_OP(c->code);

	t->known.a.known = false;
	if (op == BPF_NEG) {
		emit(t, BPF_ALU | BPF_NEG, t->a, 0, 0);
		return;
	}
	if (BPF_SRC(c->code) == BPF_K) {
		emit(t, BPF_ALU | op | BPF_K, t->a, 0, c->k);
		return;
	}
	if (op == BPF_DIV || op == BPF_MOD) {
		jump(t, BPF_JMP32 | BPF_JEQ | BPF_K, t->x, 0, 0, reject_of(t));
	} else if (op == BPF_LSH || op == BPF_RSH) {
		emit_at(t, BPF_JMP32 | BPF_JLT | BPF_K, t->x, 0, 2, 32);
		set(t, t->a, 0);
		emit_at(t, BPF_JMP | BPF_JA, 0, 0, 1, 0);
	}
	emit(t, BPF_ALU | op | BPF_X, t->a, t->x, 0);
}

static void end(struct translation *t, const struct sock_filter *c)
{
	if (BPF_RVAL(c->code) == BPF_A)
		jump(t, BPF_JMP32 | BPF_JEQ | BPF_K, t->a, 0, 0, reject_of(t));
	jump_always(t, BPF_RVAL(c->code) == BPF_A || c->k ? accept_of(t) : reject_of(t));
}

static bool instruction(struct translation *t, const struct sock_filter *c)
{
	if (filter_usual_knows(t, c))
		return true;
	switch (BPF_CLASS(c->code)) {
	case BPF_LD:
	case BPF_LDX:
		return load(t, c);
	case BPF_ST:
	case BPF_STX:
		emit_at(t, BPF_STX | BPF_MEM | BPF_W, STACK,
			BPF_CLASS(c->code) == BPF_ST ? t->a : t->x, scratch(c->k), 0);
		return true;
	case BPF_ALU:
		calculate(t, c);
		return true;
	case BPF_MISC:
		if (BPF_MISCOP(c->code) == BPF_TXA) {
			move(t, t->a, t->x);
			t->known.a.known = false;
			return true;
		}
		move(t, t->x, t->a);
		filter_forget_x(t);
		return true;
	case BPF_JMP:
		filter_emit_branch(t, c);
		return false;
	default:
		end(t, c);
		return false;
	}
}

static void begin(struct translation *t)
{
	bool read[BPF_MEMWORDS] = { 0 };

	if (t->in_place) {
		load_field(t, DATA, offsetof(struct __sk_buff, data));
		load_field(t, END, offsetof(struct __sk_buff, data_end));
	} else {
		emit(t, BPF_ALU64 | BPF_MOV | BPF_X, t->ctx, BPF_REG_1, 0);
	}
	set(t, t->a, 0);
	set(t, t->x, 0);
	for (size_t i = 0; i < t->f->n; i++) {
		const struct sock_filter *c = &t->f->insns[i];

		if ((BPF_CLASS(c->code) == BPF_LD || BPF_CLASS(c->code) == BPF_LDX) &&
		    BPF_MODE(c->code) == BPF_MEM)
			read[c->k] = true;
	}
	for (uint32_t k = 0; k < BPF_MEMWORDS; k++) {
		if (read[k])
			emit_at(t, BPF_ST | BPF_MEM | BPF_W, STACK, 0, scratch(k), 0);
	}
}

static void instructions(struct translation *t)
{
	reach(t, label_of(t, 0));
	for (int32_t i = 0; i < (int32_t)t->f->n; i++) {
		struct label *here = &t->labels[label_of(t, i)];

		here->start = t->n;
		t->here = i;
		t->known = here->known;
		if (here->reached && instruction(t, &t->f->insns[i]))
			reach(t, label_of(t, i + 1));
	}
}

static void give_up(struct translation *t)
{
	emit(t, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, (uint32_t)NEXT);
	emit(t, BPF_JMP | BPF_EXIT, 0, 0, 0);
}

/* Rejected is nearly every packet: that stands next to the rest. */
static void copy(struct translation *t)
{
	instructions(t);
	t->labels[reject_of(t)].start = t->n;
	if (t->labels[reject_of(t)].reached)
		give_up(t);
}

static void copies(struct translation *t)
{
	t->usual = t->in_place && filter_usual_pays(t->f);
	if (t->usual) {
		filter_usual_begin(t, 0);
		copy(t);
		t->usual = false;
	}
	copy(t);
}

/* A tail call that fails goes on behind it. */
static void go_over(struct translation *t, int32_t label, int prog_array_fd, uint32_t slot)
{
	t->labels[label].start = t->n;
	if (!t->labels[label].reached)
		return;
	if (t->ctx != BPF_REG_1)
		emit(t, BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_1, t->ctx, 0);
	/* BPF_LD: 0, like BPF_IMM */
	emit(t, BPF_DW | BPF_IMM, BPF_REG_2, BPF_PSEUDO_MAP_FD, (uint32_t)prog_array_fd);
	emit(t, 0, 0, 0, 0);
	set(t, BPF_REG_3, slot);
	emit(t, BPF_JMP | BPF_CALL, 0, 0, BPF_FUNC_tail_call);
	give_up(t);
}

static void finish(struct translation *t, const struct filter_stages *s)
{
	go_over(t, by_call_of(t), s->prog_array_fd, s->by_call);
	go_over(t, accept_of(t), s->prog_array_fd, s->match);
}

/* A jump reaches 32767 instructions. */
static int resolve(const struct translation *t, struct bpf_insn **ret_insns, size_t *ret_n)
{
	_cleanup_free_ struct bpf_insn *insns = calloc(t->n, sizeof(*insns));

	if (!insns)
		return -ENOMEM;
	for (size_t i = 0; i < t->n; i++) {
		const struct step *s = &t->steps[i];
		size_t distance = s->target < 0 ? 0 : t->labels[s->target].start - i - 1;

		if (distance > INT16_MAX)
			return -E2BIG;
		insns[i] = s->insn;
		if (s->target >= 0)
			insns[i].off = (int16_t)distance;
	}
	*ret_insns = TAKE_PTR(insns);
	*ret_n = t->n;
	return 0;
}

int filter_translate(const struct filter *f, bool in_place, const struct filter_stages *stages,
		     struct bpf_insn **ret_insns, size_t *ret_n)
{
	_cleanup_free_ struct step *steps = calloc(2 * f->n * GROWTH + FRAME, sizeof(*steps));
	_cleanup_free_ struct label *labels = calloc(2 * f->n + 4, sizeof(*labels));
	_cleanup_free_ struct fact *facts = calloc(f->n, sizeof(*facts));
	struct translation t = {
		.f = f,
		.in_place = in_place,
		.ctx = in_place ? BPF_REG_1 : BPF_REG_6,
		.a = in_place ? BPF_REG_0 : BPF_REG_7,
		.x = in_place ? BPF_REG_5 : BPF_REG_8,
		.facts = facts,
		.steps = steps,
		.labels = labels,
	};

	if (!steps || !labels || !facts)
		return -ENOMEM;
	filter_facts_find(f, facts);
	begin(&t);
	copies(&t);
	finish(&t, stages);
	return resolve(&t, ret_insns, ret_n);
}
