// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Asking the kernel by the smallest program that needs the feature. */
#include <bpf/bpf.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/insn.h"
#include "tap/kernel.h"

static int try_program(enum bpf_prog_type type, enum bpf_attach_type attach,
		       const struct bpf_insn *insns, size_t n)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = attach);
	_cleanup_close_ int fd = bpf_prog_load(type, "usn_probe", "Dual BSD/GPL", insns, n, &opts);

	return fd < 0 ? fd : 0;
}

int kernel_moves_anywhere(void)
{
	const struct bpf_insn insns[] = {
		/* bpf_setsockopt(ctx, SOL_SOCKET, SO_BINDTODEVICE, fp-8, 8) */
		CLEAR(-8),
		SET(BPF_REG_2, SOL_SOCKET),
		SET(BPF_REG_3, SO_BINDTODEVICE),
		COPY(BPF_REG_4, BPF_REG_10),
		ADD(BPF_REG_4, -8),
		SET(BPF_REG_5, 8),
		CALL(BPF_FUNC_setsockopt),
		SET(BPF_REG_0, 1),
		EXIT,
	};
	const enum bpf_prog_type type = BPF_PROG_TYPE_CGROUP_SOCK_ADDR;
	int r = try_program(type, BPF_CGROUP_INET4_BIND, insns, ARRAY_SIZE(insns));

	return r < 0 ? r : try_program(type, BPF_CGROUP_UDP4_SENDMSG, insns, ARRAY_SIZE(insns));
}

int kernel_tells_task(void)
{
	const struct bpf_insn insns[] = { CALL(BPF_FUNC_get_current_task_btf), SET(BPF_REG_0, 1),
					  EXIT };

	return try_program(BPF_PROG_TYPE_CGROUP_SOCK, BPF_CGROUP_INET_SOCK_CREATE, insns,
			   ARRAY_SIZE(insns));
}

int kernel_exchanges(void)
{
	const struct bpf_insn insns[] = {
		CLEAR(-8),
		SET(BPF_REG_0, 0),
		SET(BPF_REG_1, 1),
		ATOMIC(BPF_ADD | BPF_FETCH),
		ATOMIC(BPF_CMPXCHG),
		SET(BPF_REG_0, 0),
		EXIT,
	};

	return try_program(BPF_PROG_TYPE_SCHED_CLS, 0, insns, ARRAY_SIZE(insns));
}
