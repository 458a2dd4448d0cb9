// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Asking the kernel by the smallest program that needs the feature. */
#include <bpf/bpf.h>

#include "base/cleanup.h"
#include "base/insn.h"
#include "lib/tap_kernel.h"

bool tap_kernel_exchanges(void)
{
	const struct bpf_insn insns[] = {
		/* r0 = compare-and-exchange(fp-8, r0, r1) */
		CLEAR(-8), SET(BPF_REG_0, 0), SET(BPF_REG_1, 0), ATOMIC(BPF_CMPXCHG), EXIT,
	};
	_cleanup_close_ int fd = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "usn_probe", "GPL", insns,
					       ARRAY_SIZE(insns), NULL);

	return fd >= 0;
}
