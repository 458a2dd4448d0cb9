// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Filters: what can be seen of a classic program. */
#include <endian.h>

#include "tap/filter_facts.h"

#define NOTHING (-1)

/* What was loaded there is used as a number. */
static void use(struct fact facts[], int32_t load)
{
	if (load != NOTHING)
		facts[load].bytes = 0;
}

/* Whether nobody asks for what A holds before the instruction. */
static bool is_dead(const struct sock_filter *c)
{
	while (BPF_CLASS(c->code) == BPF_LDX)
		c++;
	return BPF_CLASS(c->code) == BPF_LD || c->code == (BPF_RET | BPF_K);
}

/* Where two loads meet, one of them could be in the packet's order and the other not. */
static void flow(const struct filter *f, struct fact facts[], size_t to, int32_t loaded)
{
	struct fact *there = &facts[to];

	if (!there->reached) {
		there->reached = true;
		there->loaded = loaded;
	} else if (there->loaded != loaded && !is_dead(&f->insns[to])) {
		use(facts, there->loaded);
		use(facts, loaded);
		there->loaded = NOTHING;
	}
}

static int32_t load(struct fact facts[], const struct sock_filter *c, size_t here)
{
	int mode = BPF_MODE(c->code), size = BPF_SIZE(c->code);

	if ((mode != BPF_ABS && mode != BPF_IND) || size == BPF_B)
		return NOTHING;
	facts[here].bytes = size == BPF_W ? 4 : 2;
	return (int32_t)here;
}

/* Whether the two can be compared in any order of their bytes. */
static bool is_plain(const struct fact facts[], int32_t load, const struct sock_filter *c)
{
	bool fits = load == NOTHING || facts[load].bytes == 4 || c->k <= UINT16_MAX;

	return c->code == (BPF_JMP | BPF_JSET | BPF_K) ||
	       (c->code == (BPF_JMP | BPF_JEQ | BPF_K) && fits);
}

static void branch(const struct filter *f, struct fact facts[], size_t here, int32_t loaded)
{
	const struct sock_filter *c = &f->insns[here];
	size_t next = here + 1, ways[] = { next + c->jt, next + c->jf };

	if (BPF_OP(c->code) == BPF_JA)
		ways[0] = ways[1] = next + c->k;
	else if (!is_plain(facts, loaded, c))
		use(facts, loaded);
	for (size_t i = 0; i < 2; i++) {
		facts[ways[i]].target |= ways[i] != next;
		flow(f, facts, ways[i], loaded);
	}
}

/* What is in A behind it, if not what was there before. */
static int32_t instruction(struct fact facts[], const struct sock_filter *c, size_t here,
			   int32_t loaded)
{
	switch (BPF_CLASS(c->code)) {
	case BPF_LD:
		return load(facts, c, here);
	case BPF_ST:
		use(facts, loaded);
		return loaded;
	case BPF_ALU:
		use(facts, loaded);
		return NOTHING;
	case BPF_MISC:
		if (BPF_MISCOP(c->code) == BPF_TXA)
			return NOTHING;
		use(facts, loaded);
		return loaded;
	default:
		return loaded;
	}
}

void filter_facts_find(const struct filter *f, struct fact facts[])
{
	for (size_t i = 0; i < f->n; i++)
		facts[i] = (struct fact){ .loaded = NOTHING };
	facts[0].reached = true;
	for (size_t i = 0; i < f->n; i++) {
		const struct sock_filter *c = &f->insns[i];
		int32_t loaded = facts[i].loaded;

		if (!facts[i].reached)
			continue;
		if (BPF_CLASS(c->code) == BPF_JMP)
			branch(f, facts, i, loaded);
		else if (BPF_CLASS(c->code) != BPF_RET)
			flow(f, facts, i + 1, instruction(facts, c, i, loaded));
		else if (BPF_RVAL(c->code) == BPF_A)
			use(facts, loaded);
	}
}

uint32_t filter_facts_constant(const struct filter *f, const struct fact facts[], int32_t here)
{
	uint32_t k = f->insns[here].k;
	int32_t load = facts[here].loaded;

	if (load == NOTHING || !facts[load].bytes)
		return k;
	return facts[load].bytes == 2 ? htobe16((uint16_t)k) : htobe32(k);
}

static bool same(const struct sock_filter *a, const struct sock_filter *b)
{
	return a->code == b->code && a->k == b->k;
}

int32_t filter_facts_shortcut(const struct filter *f, const struct fact facts[], int32_t here,
			      int32_t there)
{
	const struct sock_filter *before, *again = &f->insns[there];

	if (here < 2 || (size_t)there + 2 >= f->n || facts[here].target || facts[here - 1].target)
		return there;
	before = &f->insns[here - 2];
	if (BPF_CLASS(before[0].code) != BPF_LD || BPF_MODE(before[0].code) != BPF_ABS ||
	    before[1].code != (BPF_ALU | BPF_AND | BPF_K))
		return there;
	return same(&before[0], &again[0]) && same(&before[1], &again[1]) ? there + 2 : there;
}
