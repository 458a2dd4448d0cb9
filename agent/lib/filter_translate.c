// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Filters: from the classic program to one of the kernel's.
 *
 * Theory of operation: A and X are two registers that hold 32 bits, their upper halves are zero. Instructions become
 * their like, one by one, except where the kernel's would do something else:
 *  - A load beyond the packet rejects the packet. The kernel's own packet loads (BPF_LD_ABS, BPF_LD_IND) would return 0,
 *    which is TCX_PASS and ends the chain for the taps behind. So the length is compared before.
 *  - So does a load at or above 2^31, where the kernel has its extensions (SKF_AD_OFF): no packet is that long.
 *    A sum X + k that wraps is beyond the packet, too.
 *  - Division by X = 0 rejects the packet; a shift by X > 31 gives 0.
 * A packet load is a call, and most of what a filter costs. The first part of a packet, where headers are, lies in one piece and
 * is read in place; only beyond it is the call made. That is three times the instructions, and without it a filter that
 * would be too large may still fit.
 * What libpcap's bpf_filter() does is the measure.
 *
 * The verifier wants each instruction to be reached and all scratch memory to be written before it is read. The encoding is in
 * Documentation/bpf/standardization/instruction-set.rst of the kernel.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/cleanup.h"
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

/* enum tcx_action_base of 6.6; TC_ACT_UNSPEC before, with the same meaning. */
#define NEXT (-1)

/* The most that one instruction becomes: a load at X + k. */
#define GROWTH 16
/* X, and k, up to here: the verifier follows an offset of 16 bits, an instruction has 15. */
#define IN_PLACE_MAX 0x7000
/* The instructions before and behind. */
#define FRAME (3 + BPF_MEMWORDS + 8)

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

/* Where M[k] is on the stack. */
static int16_t scratch(uint32_t k)
{
	return (int16_t)(4 * (int)k - 4 * BPF_MEMWORDS);
}

static int32_t accept_of(const struct translation *t)
{
	return (int32_t)t->f->n;
}

static int32_t reject_of(const struct translation *t)
{
	return (int32_t)t->f->n + 1;
}

static void emit_at(struct translation *t, int code, int dst, int src, int16_t off, uint32_t imm)
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

static void emit(struct translation *t, int code, int dst, int src, uint32_t imm)
{
	emit_at(t, code, dst, src, 0, imm);
}

static void jump(struct translation *t, int code, int dst, int src, uint32_t imm, int32_t target)
{
	emit(t, code, dst, src, imm);
	t->steps[t->n - 1].target = target;
	t->reached[target] = true;
}

static void jump_always(struct translation *t, int32_t target)
{
	jump(t, BPF_JMP | BPF_JA, 0, 0, 0, target);
}

static void move(struct translation *t, int dst, int src)
{
	emit(t, BPF_ALU | BPF_MOV | BPF_X, dst, src, 0);
}

static void set(struct translation *t, int dst, uint32_t k)
{
	emit(t, BPF_ALU | BPF_MOV | BPF_K, dst, 0, k);
}

static uint32_t bytes_of(uint8_t size)
{
	return size == BPF_W ? 4 : size == BPF_H ? 2 : 1;
}

static void load_field(struct translation *t, int dst, size_t offset)
{
	emit_at(t, BPF_LDX | BPF_W | BPF_MEM, dst, CTX, (int16_t)offset, 0);
}

/* Each time anew: the verifier would remember what it knows of a register, and follow each length on a path of its own. */
static void load_length(struct translation *t, int dst)
{
	load_field(t, dst, offsetof(struct __sk_buff, len));
}

/* The bytes at k, or at X + k, to R0, by a call; where the packet ends before, it is rejected. */
static void load_by_call(struct translation *t, uint8_t mode, uint8_t size, uint32_t k)
{
	load_length(t, TMP);
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

/* Has the jump at the index go to what is emitted next. */
static void land(struct translation *t, size_t from)
{
	t->steps[from].insn.off = (int16_t)(t->n - from - 1);
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
	if (mode == BPF_IND)
		emit(t, BPF_ALU64 | BPF_ADD | BPF_X, TMP, X, 0);
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

/* False: there is no such packet, what follows is not reached. */
static bool load_packet(struct translation *t, uint8_t mode, uint8_t size, uint32_t k)
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

/* True: the program goes on behind the instruction. */
static bool load(struct translation *t, const struct sock_filter *c)
{
	int dst = BPF_CLASS(c->code) == BPF_LD ? A : X;

	switch (BPF_MODE(c->code)) {
	case BPF_IMM:
		set(t, dst, c->k);
		return true;
	case BPF_MEM:
		emit_at(t, BPF_LDX | BPF_MEM | BPF_W, dst, STACK, scratch(c->k), 0);
		return true;
	case BPF_LEN:
		load_length(t, dst);
		return true;
	case BPF_MSH:
		if (!load_packet(t, BPF_ABS, BPF_B, c->k))
			return false;
		emit(t, BPF_ALU | BPF_AND | BPF_K, BPF_REG_0, 0, 0xf);
		emit(t, BPF_ALU | BPF_LSH | BPF_K, BPF_REG_0, 0, 2);
		move(t, X, BPF_REG_0);
		return true;
	default:
		if (!load_packet(t, BPF_MODE(c->code), BPF_SIZE(c->code), c->k))
			return false;
		move(t, A, BPF_REG_0);
		return true;
	}
}

static void calculate(struct translation *t, const struct sock_filter *c)
{
	int op = BPF_OP(c->code);

	if (op == BPF_NEG) {
		emit(t, BPF_ALU | BPF_NEG, A, 0, 0);
		return;
	}
	if (BPF_SRC(c->code) == BPF_K) {
		emit(t, BPF_ALU | op | BPF_K, A, 0, c->k);
		return;
	}
	if (op == BPF_DIV || op == BPF_MOD) {
		jump(t, BPF_JMP32 | BPF_JEQ | BPF_K, X, 0, 0, reject_of(t));
	} else if (op == BPF_LSH || op == BPF_RSH) {
		emit_at(t, BPF_JMP32 | BPF_JLT | BPF_K, X, 0, 2, 32);
		set(t, A, 0);
		emit_at(t, BPF_JMP | BPF_JA, 0, 0, 1, 0);
	}
	emit(t, BPF_ALU | op | BPF_X, A, X, 0);
}

static int opposite(int op)
{
	return op == BPF_JEQ ? BPF_JNE : op == BPF_JGT ? BPF_JLE : op == BPF_JGE ? BPF_JLT : -1;
}

/* One jump where one of the two ways is the next instruction, as nearly always. */
static void branch(struct translation *t, const struct sock_filter *c, int32_t here)
{
	int op = BPF_OP(c->code), src = BPF_SRC(c->code);
	int32_t yes = here + 1 + c->jt, no = here + 1 + c->jf;
	uint32_t k = src == BPF_K ? c->k : 0;

	if (op == BPF_JA) {
		jump_always(t, here + 1 + (int32_t)c->k);
		return;
	}
	if (!c->jt && opposite(op) >= 0) {
		jump(t, BPF_JMP32 | opposite(op) | src, A, src == BPF_X ? X : 0, k, no);
		t->reached[yes] = true;
		return;
	}
	jump(t, BPF_JMP32 | op | src, A, src == BPF_X ? X : 0, k, yes);
	if (c->jf)
		jump_always(t, no);
	else
		t->reached[no] = true;
}

static void end(struct translation *t, const struct sock_filter *c)
{
	if (BPF_RVAL(c->code) == BPF_A)
		jump(t, BPF_JMP32 | BPF_JEQ | BPF_K, A, 0, 0, reject_of(t));
	jump_always(t, BPF_RVAL(c->code) == BPF_A || c->k ? accept_of(t) : reject_of(t));
}

static bool instruction(struct translation *t, const struct sock_filter *c, int32_t here)
{
	switch (BPF_CLASS(c->code)) {
	case BPF_LD:
	case BPF_LDX:
		return load(t, c);
	case BPF_ST:
	case BPF_STX:
		emit_at(t, BPF_STX | BPF_MEM | BPF_W, STACK, BPF_CLASS(c->code) == BPF_ST ? A : X,
			scratch(c->k), 0);
		return true;
	case BPF_ALU:
		calculate(t, c);
		return true;
	case BPF_MISC:
		if (BPF_MISCOP(c->code) == BPF_TAX)
			move(t, X, A);
		else
			move(t, A, X);
		return true;
	case BPF_JMP:
		branch(t, c, here);
		return false;
	default:
		end(t, c);
		return false;
	}
}

static void begin(struct translation *t)
{
	bool read[BPF_MEMWORDS] = { 0 };

	emit(t, BPF_ALU64 | BPF_MOV | BPF_X, CTX, BPF_REG_1, 0);
	set(t, A, 0);
	set(t, X, 0);
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

/* A tail call that fails goes on behind it. */
static void finish(struct translation *t, int prog_array_fd, uint32_t slot)
{
	t->start[accept_of(t)] = t->n;
	if (t->reached[accept_of(t)]) {
		emit(t, BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_1, CTX, 0);
		/* BPF_LD: 0, like BPF_IMM */
		emit(t, BPF_DW | BPF_IMM, BPF_REG_2, BPF_PSEUDO_MAP_FD, (uint32_t)prog_array_fd);
		emit(t, 0, 0, 0, 0);
		set(t, BPF_REG_3, slot);
		emit(t, BPF_JMP | BPF_CALL, 0, 0, BPF_FUNC_tail_call);
	}
	t->start[reject_of(t)] = t->n;
	emit(t, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, (uint32_t)NEXT);
	emit(t, BPF_JMP | BPF_EXIT, 0, 0, 0);
}

/* A jump reaches 32767 instructions. */
static int resolve(const struct translation *t, struct bpf_insn **ret_insns, size_t *ret_n)
{
	_cleanup_free_ struct bpf_insn *insns = calloc(t->n, sizeof(*insns));

	if (!insns)
		return -ENOMEM;
	for (size_t i = 0; i < t->n; i++) {
		const struct step *s = &t->steps[i];
		size_t distance = s->target < 0 ? 0 : t->start[s->target] - i - 1;

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

int filter_translate(const struct filter *f, bool in_place, int prog_array_fd, uint32_t slot,
		     struct bpf_insn **ret_insns, size_t *ret_n)
{
	_cleanup_free_ struct step *steps = calloc(f->n * GROWTH + FRAME, sizeof(*steps));
	_cleanup_free_ bool *reached = calloc(f->n + 2, sizeof(*reached));
	_cleanup_free_ size_t *start = calloc(f->n + 2, sizeof(*start));
	struct translation t = {
		.f = f, .in_place = in_place, .steps = steps, .reached = reached, .start = start
	};

	if (!steps || !reached || !start)
		return -ENOMEM;
	reached[0] = true;
	begin(&t);
	for (size_t i = 0; i < f->n; i++) {
		start[i] = t.n;
		if (reached[i] && instruction(&t, &f->insns[i], (int32_t)i))
			reached[i + 1] = true;
	}
	finish(&t, prog_array_fd, slot);
	return resolve(&t, ret_insns, ret_n);
}
