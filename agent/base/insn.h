/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Instructions of BPF, for the small programs by which the kernel is asked what it can. */
#ifndef USN_INSN_H
#define USN_INSN_H

#include <linux/bpf.h>

#define INSN(c, d, s, o, i)                                                         \
	{                                                                           \
		.code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i) \
	}
#define SET(reg, i) INSN(BPF_ALU64 | BPF_MOV | BPF_K, reg, 0, 0, i)
#define ADD(reg, i) INSN(BPF_ALU64 | BPF_ADD | BPF_K, reg, 0, 0, i)
#define COPY(to, from) INSN(BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0)
/* On the stack, 8 bytes. */
#define CLEAR(at) INSN(BPF_ST | BPF_DW | BPF_MEM, BPF_REG_10, 0, at, 0)
#define STORE(at, reg) INSN(BPF_STX | BPF_DW | BPF_MEM, BPF_REG_10, reg, at, 0)
#define CALL(helper) INSN(BPF_JMP | BPF_CALL, 0, 0, 0, helper)
#define CALL_KFUNC(id) INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, id)
#define ATOMIC(op) INSN(BPF_STX | BPF_DW | BPF_ATOMIC, BPF_REG_10, BPF_REG_1, -8, op)
#define EXIT INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)
/* Two instructions' worth. */
#define SET_MAP(reg, fd) \
	INSN(BPF_LD | BPF_DW | BPF_IMM, reg, BPF_PSEUDO_MAP_FD, 0, fd), INSN(0, 0, 0, 0, 0)

#endif
