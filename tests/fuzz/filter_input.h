/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The input of the fuzzers of filters: an expression as text, or, behind a "!" and their number,
 * the instructions of a classic program; then two bytes of how much of the packet its first piece
 * has, and the packet.
 */
#ifndef USN_FUZZ_FILTER_INPUT_H
#define USN_FUZZ_FILTER_INPUT_H

#include <stdbool.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "tap/filter.h"
#include "tap/filter_parts.h"
#include "fuzz.h"

#define PROGRAM_MAX 64 /* instructions, behind those that write all scratch memory */

/* What has a loop is turned away when it is loaded. */
static inline bool has_loop(const struct filter *f)
{
	for (size_t i = 0; i < f->n; i++) {
		if (f->insns[i].code == (BPF_JMP | BPF_JA) && f->insns[i].k >= f->n - i - 1)
			return true;
	}
	return false;
}

/* libpcap's bpf_filter() reads what happens to be in scratch memory: it is written first. */
static inline struct filter *take_program(const uint8_t **data, size_t *size)
{
	struct sock_filter insns[BPF_MEMWORDS + PROGRAM_MAX];
	struct filter *f = NULL;
	struct usn_err e;
	size_t n = *size > 1 ? (*data)[1] % PROGRAM_MAX : 0;

	if (*size < 2 + n * sizeof(*insns))
		return NULL;
	for (uint32_t i = 0; i < BPF_MEMWORDS; i++)
		insns[i] = (struct sock_filter)BPF_STMT(BPF_ST, i);
	memcpy(insns + BPF_MEMWORDS, *data + 2, n * sizeof(*insns));
	*data += 2 + n * sizeof(*insns);
	*size -= 2 + n * sizeof(*insns);
	return filter_from_classic(insns, BPF_MEMWORDS + n, &f, &e) < 0 ? NULL : f;
}

static inline struct filter *take_expression(const uint8_t **data, size_t *size)
{
	_cleanup_free_ char *text = take_string(data, size);
	struct filter *f = NULL;
	struct usn_err e;

	if (filter_compile(text, &f, &e) >= 0)
		return f;
	demand(e.code > 0 && *e.text && !strchr(e.text, '\n'));
	return NULL;
}

/* NULL: the input has none that can be loaded. What is behind it is left in *data. */
static inline struct filter *take_filter(const uint8_t **data, size_t *size, uint32_t *ret_linear)
{
	struct filter *f;

	f = *size && **data == '!' ? take_program(data, size) : take_expression(data, size);
	if (!f || *size < 2 || *size > UINT16_MAX || has_loop(f))
		return filter_free(f);
	*ret_linear = (uint32_t)((*data)[0] << 8 | (*data)[1]);
	*data += 2;
	*size -= 2;
	return f;
}

#endif
