// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Asking the kernel by the smallest program that needs the feature. */
#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "usnd/kernel.h"

#define CALL(helper)                                        \
	{                                                   \
		.code = BPF_JMP | BPF_CALL, .imm = (helper) \
	}
#define ALLOW                                                               \
	{                                                                   \
		.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = 1 \
	}
#define EXIT                               \
	{                                  \
		.code = BPF_JMP | BPF_EXIT \
	}

static bool accepts(enum bpf_prog_type type, enum bpf_attach_type attach,
		    const struct bpf_insn *insns, size_t n)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = attach);
	_cleanup_close_ int fd = bpf_prog_load(type, "usn_probe", "GPL", insns, n, &opts);

	return fd >= 0;
}

bool kernel_can_move_anywhere(void)
{
	const struct bpf_insn insns[] = {
		/* bpf_setsockopt(ctx, SOL_SOCKET, SO_BINDTODEVICE, fp-8, 8) */
		{ .code = BPF_ST | BPF_MEM | BPF_DW, .dst_reg = 10, .off = -8 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 2, .imm = SOL_SOCKET },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 3, .imm = SO_BINDTODEVICE },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 4, .src_reg = 10 },
		{ .code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = 4, .imm = -8 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 5, .imm = 8 },
		CALL(BPF_FUNC_setsockopt),
		ALLOW,
		EXIT,
	};
	const enum bpf_prog_type type = BPF_PROG_TYPE_CGROUP_SOCK_ADDR;

	return accepts(type, BPF_CGROUP_INET4_BIND, insns, ARRAY_SIZE(insns)) &&
	       accepts(type, BPF_CGROUP_UDP4_SENDMSG, insns, ARRAY_SIZE(insns));
}

bool kernel_tells_task(void)
{
	const struct bpf_insn insns[] = { CALL(BPF_FUNC_get_current_task_btf), ALLOW, EXIT };

	return accepts(BPF_PROG_TYPE_CGROUP_SOCK, BPF_CGROUP_INET_SOCK_CREATE, insns,
		       ARRAY_SIZE(insns));
}
