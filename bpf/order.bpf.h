/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The order in which one processor sees the loads and stores of another.
 *
 * x86 keeps the order of loads among loads and of stores among stores, so a plain one will do there
 * if the compiler leaves it in its place. ARM, POWER and others keep neither.
 * BPF has no barriers for them; what it has is atomic operations that return a value,
 * which the kernel's JIT compilers make fully ordered (Linux 5.12). __TARGET_ARCH_x86 is defined by
 * the Makefile, which asks the C compiler; "make check-arch" looks at the instructions.
 */
#ifndef USN_ORDER_BPF_H
#define USN_ORDER_BPF_H

#include <bpf/bpf_helpers.h>

/* Loads: those before it are done before, and those behind it after. */
static __always_inline __u64 load_in_order(__u64 *p)
{
#ifdef __TARGET_ARCH_x86
	__u64 value;

	barrier();
	value = *(volatile __u64 *)p;
	barrier();
	return value;
#else
	return __sync_fetch_and_add(p, 0);
#endif
}

/* Stores: those before it are seen before it, and those behind it after. */
static __always_inline void store_in_order(__u64 *p, __u64 value)
{
#ifdef __TARGET_ARCH_x86
	barrier();
	*(volatile __u64 *)p = value;
	barrier();
#else
	__sync_lock_test_and_set(p, value);
#endif
}

#endif
