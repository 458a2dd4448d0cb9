// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Numbers in a program's instructions. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "tap/constants.h"

/* The 64-bit load takes two instructions; what libbpf will relocate has something in src_reg. */
static bool loads_number(const struct bpf_insn *in)
{
	return in->code == (BPF_LD | BPF_IMM | BPF_DW) && !in->src_reg;
}

static uint64_t number_of(const struct bpf_insn *in)
{
	return (uint32_t)in[0].imm | (uint64_t)(uint32_t)in[1].imm << 32;
}

static void put(struct bpf_insn *in, uint64_t value)
{
	in[0].imm = (int32_t)(uint32_t)value;
	in[1].imm = (int32_t)(uint32_t)(value >> 32);
}

static void put_map(struct bpf_insn *in, int fd)
{
	in[0].src_reg = BPF_PSEUDO_MAP_VALUE;
	in[0].imm = fd;
	in[1].imm = 0;
}

/* values or map_fds. */
static int replace(struct bpf_program *prog, uint64_t mark, const uint64_t values[],
		   const int map_fds[], size_t n)
{
	size_t count = bpf_program__insn_cnt(prog), found = 0, i;
	_cleanup_free_ struct bpf_insn *insns = malloc(count * sizeof(*insns));

	if (!insns)
		return -ENOMEM;
	memcpy(insns, bpf_program__insns(prog), count * sizeof(*insns));
	for (i = 0; i + 1 < count; i++) {
		uint64_t number = loads_number(&insns[i]) ? number_of(&insns[i]) - mark : n;

		if (number >= n)
			continue;
		if (values)
			put(&insns[i], values[number]);
		else
			put_map(&insns[i], map_fds[number]);
		found++;
	}
	if (!found)
		return -ENOENT;
	return bpf_program__set_insns(prog, insns, count);
}

int constants_put(struct bpf_program *prog, uint64_t mark, const uint64_t values[], size_t n)
{
	return replace(prog, mark, values, NULL, n);
}

int constants_put_maps(struct bpf_program *prog, uint64_t mark, const int map_fds[], size_t n)
{
	return replace(prog, mark, NULL, map_fds, n);
}
