/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The fields of a context, and of a socket that a context leads to.
 *
 * The verifier takes such an access only from the very pointer, with the offset of the field in the
 * instruction ("dereference of modified ctx ptr"). A compiler does not know that rule. It may add
 * the offset beforehand, to share the sum between two branches, or merge the accesses of two
 * branches into one of a chosen address: clang 18 and newer did so to a store. So each access is
 * spelt out as the instruction that it has to be, and no compiler can split or merge it.
 * tests/system/context.bats finds an access that is written as plain C.
 */
#ifndef USN_CONTEXT_BPF_H
#define USN_CONTEXT_BPF_H

#include <stddef.h>
#include <linux/types.h>

#define CTX_LOAD(width, ctx, offset)                        \
	({                                                  \
		__u64 __loaded;                             \
		asm volatile("%0 = *(" width " *)(%1 + %2)" \
			     : "=r"(__loaded)               \
			     : "r"(ctx), "i"(offset));      \
		__loaded;                                   \
	})

#define CTX_OFFSET(ctx, field) offsetof(typeof(*(ctx)), field)

/* The value of a field of four or eight bytes, with the type of the field. */
#define CTX_READ(ctx, field)                                                           \
	((typeof((ctx)->field))(sizeof((ctx)->field) == sizeof(__u64)                  \
					? CTX_LOAD("u64", ctx, CTX_OFFSET(ctx, field)) \
					: CTX_LOAD("u32", ctx, CTX_OFFSET(ctx, field))))

/* Writes a field of four bytes. No context has a wider one that may be written. */
#define CTX_WRITE(ctx, field, value)                                                      \
	do {                                                                              \
		_Static_assert(sizeof((ctx)->field) == sizeof(__u32), "of four bytes");   \
		asm volatile("*(u32 *)(%0 + %1) = %2"                                     \
			     :                                                            \
			     : "r"(ctx), "i"(CTX_OFFSET(ctx, field)), "r"((__u64)(value)) \
			     : "memory");                                                 \
	} while (0)

#endif
