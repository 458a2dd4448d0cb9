/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * ND in the environment of the current process:
 * the strings between env_start and env_end, as exec laid them down.
 *
 * They are read in pieces of what fits the stack.
 * Pages that are not in memory cannot be read, and then the answer is that nobody knows.
 */
#ifndef USN_ENVIRON_BPF_H
#define USN_ENVIRON_BPF_H

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <usn/abi.h>

#define PIECE 256 /* bytes */
/*
 * Strings, and pieces of long ones. The verifier follows each of them, and at most 8192 branches in
 * all (BPF_COMPLEXITY_LIMIT_JMP_SEQ): hence no branch below that arithmetic can do without.
 */
#define PIECES_MAX 2048

/*
 * Copies the value of "ND=VALUE", n bytes with the NUL.
 * What is too long for a name becomes none that exists.
 */
static __always_inline void take_value(struct usn_seen *s, const char *piece, long n)
{
	s->answer = USN_ND_NAMED;
	__builtin_memset(s->device, 0, sizeof(s->device));
	if (n - 3 <= USN_NAME_SIZE)
		__builtin_memcpy(s->device, piece + 3, USN_NAME_SIZE);
}

/* Whether four bytes, as they stand in memory, begin with "ND=". */
static __always_inline bool is_nd(__u32 first)
{
	return !((first ^ bpf_htonl(0x4e443d00)) & bpf_htonl(0xffffff00));
}

/* Fills s->answer and s->device. */
static __always_inline void read_nd(struct usn_seen *s, const struct mm_struct *mm)
{
	unsigned long at = mm->env_start, end = mm->env_end;
	__u32 middle = 0; /* 1: a long string goes on here */
	char piece[PIECE] __attribute__((aligned(8)));
	int i;

	s->answer = USN_ND_NONE;
	for (i = 0; i < PIECES_MAX; i++) {
		long n;

		if (at >= end)
			return;
		__builtin_memset(piece, 0, USN_NAME_SIZE + 4);
		n = bpf_probe_read_user_str(piece, sizeof(piece), (const void *)at);
		if (n <= 0)
			break;
		if (is_nd(*(__u32 *)piece & (middle - 1)))
			return take_value(s, piece, n);
		/* A string that fills the piece has its NUL from the copy, not from the process. */
		middle = (__u32)n / PIECE;
		at += n - middle;
	}
	s->answer = USN_ND_UNREADABLE;
}

#endif
