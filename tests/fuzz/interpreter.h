/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An interpreter of the kernel's BPF, as far as filters have it. It is of this folder's own, and
 * strict: a load that is not in its memory, and an instruction that no filter has, are a fault.
 * The encoding is in Documentation/bpf/standardization/instruction-set.rst of the kernel.
 */
#ifndef USN_FUZZ_INTERPRETER_H
#define USN_FUZZ_INTERPRETER_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "fuzz.h"

/* Where a register points to, in bytes from one of these. */
#define AT_CTX (1ULL << 40)
#define AT_DATA (2ULL << 40)
#define AT_STACK (3ULL << 40)
#define STACK_SIZE 512

/* What the kernel leaves in registers behind a call. */
#define POISON 0xdeadbeefdeadbeefULL

struct machine {
	uint64_t reg[11];
	uint8_t stack[STACK_SIZE];
	const uint8_t *packet;
	uint32_t len, linear; /* bytes; of these the first piece has so many */
};

static inline uint64_t masked(uint64_t value, bool wide)
{
	return wide ? value : (uint32_t)value;
}

static inline uint64_t alu(int op, uint64_t a, uint64_t b, bool wide)
{
	a = masked(a, wide);
	b = masked(b, wide);
	switch (op) {
	case BPF_ADD:
		return a + b;
	case BPF_SUB:
		return a - b;
	case BPF_MUL:
		return a * b;
	case BPF_DIV:
		return b ? a / b : 0;
	case BPF_MOD:
		return b ? a % b : a;
	case BPF_OR:
		return a | b;
	case BPF_AND:
		return a & b;
	case BPF_XOR:
		return a ^ b;
	case BPF_LSH:
		demand(b < (wide ? 64 : 32));
		return a << b;
	case BPF_RSH:
		demand(b < (wide ? 64 : 32));
		return a >> b;
	case BPF_NEG:
		return -a;
	case BPF_MOV:
		return b;
	default:
		demand(!"a sum that no filter has");
		return 0;
	}
}

static inline bool compare(int op, uint64_t a, uint64_t b, bool wide)
{
	a = masked(a, wide);
	b = masked(b, wide);
	switch (op) {
	case BPF_JA:
		return true;
	case BPF_JEQ:
		return a == b;
	case BPF_JNE:
		return a != b;
	case BPF_JGT:
		return a > b;
	case BPF_JGE:
		return a >= b;
	case BPF_JLT:
		return a < b;
	case BPF_JLE:
		return a <= b;
	case BPF_JSET:
		return a & b;
	default:
		demand(!"a jump that no filter has");
		return false;
	}
}

static inline size_t size_of(int size)
{
	return size == BPF_W ? 4 : size == BPF_H ? 2 : 1;
}

/* As the processor loads it. */
static inline uint64_t load_native(const uint8_t *at, size_t n)
{
	uint32_t word;
	uint16_t half;

	memcpy(&word, at, n == 4 ? 4 : 0);
	memcpy(&half, at, n == 2 ? 2 : 0);
	return n == 4 ? word : n == 2 ? half : *at;
}

static inline uint64_t load_context(const struct machine *m, uint64_t offset)
{
	switch (offset) {
	case offsetof(struct __sk_buff, len):
		return m->len;
	case offsetof(struct __sk_buff, data):
		return AT_DATA;
	case offsetof(struct __sk_buff, data_end):
		return AT_DATA + m->linear;
	default:
		demand(!"a field that no filter reads");
		return 0;
	}
}

static inline uint8_t *stack_at(struct machine *m, uint64_t address, size_t n)
{
	demand(address >= AT_STACK - STACK_SIZE && address + n <= AT_STACK);
	return m->stack + (address - (AT_STACK - STACK_SIZE));
}

static inline uint64_t load_memory(struct machine *m, uint64_t address, size_t n)
{
	if (address >= AT_CTX && address < AT_CTX + sizeof(struct __sk_buff))
		return load_context(m, address - AT_CTX);
	if (address >= AT_STACK - STACK_SIZE)
		return load_native(stack_at(m, address, n), n);
	demand(address >= AT_DATA && address + n <= AT_DATA + m->linear);
	return load_native(m->packet + (address - AT_DATA), n);
}

/* The kernel's packet load: any byte of the packet, big-endian. The length was looked at before. */
static inline void load_by_call(struct machine *m, uint64_t offset, size_t n)
{
	uint64_t value = 0;

	demand(m->reg[BPF_REG_6] == AT_CTX && offset + n <= m->len);
	for (size_t i = 0; i < n; i++)
		value = value << 8 | m->packet[offset + i];
	for (int i = BPF_REG_1; i <= BPF_REG_5; i++)
		m->reg[i] = POISON;
	m->reg[BPF_REG_0] = value;
}

static inline uint64_t to_big_endian(uint64_t value, int bits)
{
	demand(bits == 16 || bits == 32);
	return bits == 16 ? __builtin_bswap16((uint16_t)value) : __builtin_bswap32((uint32_t)value);
}

/* The instruction; returns how many further ones are jumped over. */
static inline int64_t step(struct machine *m, const struct bpf_insn *i)
{
	uint64_t *dst = &m->reg[i->dst_reg], src = m->reg[i->src_reg];
	uint64_t operand = BPF_SRC(i->code) == BPF_X ? src : (uint64_t)(int64_t)i->imm;
	int class = BPF_CLASS(i->code);

	switch (class) {
	case BPF_ALU64:
		*dst = alu(BPF_OP(i->code), *dst, operand, true);
		return 0;
	case BPF_ALU:
		*dst = BPF_OP(i->code) == BPF_END
			       ? to_big_endian(*dst, i->imm)
			       : masked(alu(BPF_OP(i->code), *dst, operand, false), false);
		return 0;
	case BPF_JMP:
	case BPF_JMP32:
		return compare(BPF_OP(i->code), *dst, operand, class == BPF_JMP) ? i->off : 0;
	case BPF_LDX:
		*dst = load_memory(m, src + (uint64_t)(int64_t)i->off, size_of(BPF_SIZE(i->code)));
		return 0;
	case BPF_ST:
	case BPF_STX:
		demand(BPF_SIZE(i->code) == BPF_W);
		memcpy(stack_at(m, *dst + (uint64_t)(int64_t)i->off, 4),
		       &(uint32_t){ class == BPF_ST ? (uint32_t)i->imm : (uint32_t)src }, 4);
		return 0;
	default:
		if (i->code == (BPF_LD | BPF_IMM | BPF_DW)) {
			*dst = (uint32_t)i->imm;
			return 1;
		}
		load_by_call(m, (BPF_MODE(i->code) == BPF_IND ? src : 0) + (uint32_t)i->imm,
			     size_of(BPF_SIZE(i->code)));
		return 0;
	}
}

/* Runs until the end; the slot of the tail call, or -1. */
static inline int interpret(const struct bpf_insn *insns, size_t n, const uint8_t *packet,
			    uint32_t len, uint32_t linear)
{
	struct machine m = { .packet = packet, .len = len, .linear = linear };

	memset(m.stack, 0xa5, sizeof(m.stack));
	for (int i = 0; i < 10; i++)
		m.reg[i] = POISON;
	m.reg[BPF_REG_1] = AT_CTX;
	m.reg[BPF_REG_10] = AT_STACK;
	for (size_t at = 0; at < n; at++) {
		if (insns[at].code == (BPF_JMP | BPF_CALL)) {
			demand(insns[at].imm == BPF_FUNC_tail_call && m.reg[BPF_REG_1] == AT_CTX);
			return (int)m.reg[BPF_REG_3];
		}
		if (insns[at].code == (BPF_JMP | BPF_EXIT)) {
			demand((int32_t)m.reg[BPF_REG_0] == -1);
			return -1;
		}
		at += (size_t)step(&m, &insns[at]);
	}
	demand(!"the end without an exit");
	return -1;
}

#endif
