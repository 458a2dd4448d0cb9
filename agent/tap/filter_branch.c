// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Filters: the jumps. */
#include <linux/bpf.h>

#include "tap/filter_facts.h"
#include "tap/filter_steps.h"
#include "tap/filter_usual.h"

static int opposite(int op)
{
	return op == BPF_JEQ ? BPF_JNE : op == BPF_JGT ? BPF_JLE : op == BPF_JGE ? BPF_JLT : -1;
}

/* Where a way from here ends that leads there. */
static int32_t goal(const struct translation *t, int32_t there)
{
	const struct sock_filter *c;

	there = filter_facts_shortcut(t->f, t->facts, t->here, there);
	c = &t->f->insns[there];
	if (c->code != (BPF_RET | BPF_K))
		return label_of(t, there);
	return c->k ? accept_of(t) : reject_of(t);
}

static uint32_t compared_with(const struct translation *t, const struct sock_filter *c)
{
	if (BPF_SRC(c->code) == BPF_X)
		return 0;
	return t->in_place ? filter_facts_constant(t->f, t->facts, t->here) : c->k;
}

/* The only way there is. */
static void go(struct translation *t, int32_t there)
{
	if (there == t->here + 1)
		reach(t, label_of(t, there));
	else
		jump_always(t, goal(t, there));
}

/* One jump where one of the two ways is the next instruction, as nearly always. */
void filter_emit_branch(struct translation *t, const struct sock_filter *c)
{
	int op = BPF_OP(c->code), src = BPF_SRC(c->code), way = filter_usual_way(t, c);
	int32_t next = t->here + 1;

	if (op == BPF_JA || way >= 0) {
		go(t, next + (op == BPF_JA ? (int32_t)c->k : way ? c->jt : c->jf));
		return;
	}
	if (!c->jt && opposite(op) >= 0) {
		jump(t, BPF_JMP32 | opposite(op) | src, t->a, src == BPF_X ? t->x : 0,
		     compared_with(t, c), goal(t, next + c->jf));
		reach(t, label_of(t, next));
		return;
	}
	jump(t, BPF_JMP32 | op | src, t->a, src == BPF_X ? t->x : 0, compared_with(t, c),
	     goal(t, next + c->jt));
	if (c->jf)
		jump_always(t, goal(t, next + c->jf));
	else
		reach(t, label_of(t, next));
}
