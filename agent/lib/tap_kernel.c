// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Asking the kernel by the smallest program that needs the feature. */
#include <bpf/bpf.h>
#include <linux/bpf.h>

#include "base/cleanup.h"
#include "lib/tap_kernel.h"

bool tap_kernel_exchanges(void)
{
	const struct bpf_insn insns[] = {
		/* r0 = compare-and-exchange(fp-8, r0, r1) */
		{ .code = BPF_ST | BPF_MEM | BPF_DW, .dst_reg = 10, .off = -8 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = 0 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 1, .imm = 0 },
		{ .code = BPF_STX | BPF_ATOMIC | BPF_DW,
		  .dst_reg = 10,
		  .src_reg = 1,
		  .off = -8,
		  .imm = BPF_CMPXCHG },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	_cleanup_close_ int fd = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "usn_probe", "GPL", insns,
					       ARRAY_SIZE(insns), NULL);

	return fd >= 0;
}
