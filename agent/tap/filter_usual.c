// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Filters: what the first byte of a packet tells. */
#include <linux/bpf.h>

#include "tap/filter_usual.h"

/* IPv4, and five words of header. */
#define FIRST_BYTE 0x45
#define HEADER ((FIRST_BYTE & 0xf) * 4)

/* Of instructions. Longer ones look at so much that this is little. */
#define SIZE_MAX_TWICE 256

bool filter_usual_pays(const struct filter *f)
{
	return f->n > 1 && f->n <= SIZE_MAX_TWICE;
}

void filter_usual_begin(struct translation *t, int32_t others)
{
	emit(t, BPF_ALU64 | BPF_MOV | BPF_X, AT, DATA, 0);
	filter_emit_bound(t, HEADER + FILTER_TRANSPORT_MIN, others);
	emit_at(t, BPF_LDX | BPF_MEM | BPF_B, AT, DATA, 0, 0);
	jump(t, BPF_JMP32 | BPF_JNE | BPF_K, AT, 0, FIRST_BYTE, others);
	t->known.sure = HEADER + FILTER_TRANSPORT_MIN;
}

static bool know(struct translation *t, int reg, uint32_t value)
{
	set(t, reg, value);
	if (reg == t->x)
		filter_forget_x(t);
	*(reg == t->a ? &t->known.a : &t->known.x) = (struct number){ true, value };
	return true;
}

static bool knows_load(struct translation *t, const struct sock_filter *c)
{
	if (c->k || BPF_SIZE(c->code) != BPF_B)
		return false;
	if (BPF_MODE(c->code) == BPF_MSH)
		return know(t, t->x, HEADER);
	if (BPF_CLASS(c->code) == BPF_LD && BPF_MODE(c->code) == BPF_ABS)
		return know(t, t->a, FIRST_BYTE);
	return false;
}

static bool knows_sum(struct translation *t, const struct sock_filter *c)
{
	uint32_t a = t->known.a.value;

	if (!t->known.a.known)
		return false;
	switch (c->code) {
	case BPF_ALU | BPF_AND | BPF_K:
		return know(t, t->a, a & c->k);
	case BPF_ALU | BPF_RSH | BPF_K:
		return know(t, t->a, a >> c->k);
	case BPF_ALU | BPF_LSH | BPF_K:
		return know(t, t->a, a << c->k);
	default:
		return false;
	}
}

bool filter_usual_knows(struct translation *t, const struct sock_filter *c)
{
	if (!t->usual)
		return false;
	switch (BPF_CLASS(c->code)) {
	case BPF_LD:
	case BPF_LDX:
		return knows_load(t, c);
	case BPF_ALU:
		return knows_sum(t, c);
	default:
		return false;
	}
}

int filter_usual_way(const struct translation *t, const struct sock_filter *c)
{
	uint32_t a = t->known.a.value;

	if (!t->known.a.known)
		return -1;
	switch (c->code) {
	case BPF_JMP | BPF_JEQ | BPF_K:
		return a == c->k;
	case BPF_JMP | BPF_JGT | BPF_K:
		return a > c->k;
	case BPF_JMP | BPF_JGE | BPF_K:
		return a >= c->k;
	case BPF_JMP | BPF_JSET | BPF_K:
		return (a & c->k) != 0;
	default:
		return -1;
	}
}
