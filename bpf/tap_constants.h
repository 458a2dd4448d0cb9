/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a subscriber chose, as numbers in the very instructions of its tap's
 * programs (bpf/tap.bpf.c).
 *
 * A constant in .rodata is known to the verifier, too, but still loaded each time,
 * from a page that a program has for nothing else: that load was a sixth of what the program took.
 * So the compiler is given a mark that occurs nowhere else, and the loader (agent/tap/constants.h)
 * puts the number in its place. Functions that are not inlined cannot have any. The addresses of
 * the maps that each packet needs are put there in the same way, which spares the look-up.
 */
#ifndef USN_TAP_CONSTANTS_H
#define USN_TAP_CONSTANTS_H

#define TAP_CONSTANT_MARK 0x7ad5e1c0f3b29600ULL /* plus the number of the constant */

enum {
	TAP_SNAPLEN,     /* bytes kept of a packet */
	TAP_CHUNK_BYTES, /* of the ring; a power of two */
	TAP_CHUNKS,      /* a power of two, 2 to USN_RING_CHUNKS */
	TAP_RING_MASK,   /* the bytes of all chunks less 8 */
	TAP_SECRET,      /* of the seals */
	/* 1: the reader is woken when it has read all before, and not only at a chunk's end */
	TAP_WAKE_EACH,
	TAP_ONLY_PID,    /* owners to select; 0: any */
	TAP_ONLY_CGROUP, /* id of a cgroup that the socket is in or below; 0: any */
	TAP_ONLY_COMM,   /* 1: only_comm counts */
	TAP_CONSTANTS,
};

#define TAP_MEMORY_MARK 0x7ad5e1c0f3b29700ULL /* plus the number of the map */

enum {
	TAP_MEMORY_RING,
	TAP_MEMORY_WRITERS,
	TAP_MEMORIES,
};

#define TAP_WRITERS_BYTES 2048 /* struct writers fits, see bpf/writers.bpf.h */

#ifdef __BPF__
/* Where the value of an array of one lies. */
#define TAP_MEMORY(number)                                                        \
	({                                                                        \
		void *__at;                                                       \
		asm("%0 = %1 ll" : "=r"(__at) : "i"(TAP_MEMORY_MARK + (number))); \
		__at;                                                             \
	})

#define TAP_CONSTANT(number)                                                           \
	({                                                                             \
		__u64 __value;                                                         \
		asm("%0 = %1 ll" : "=r"(__value) : "i"(TAP_CONSTANT_MARK + (number))); \
		__value;                                                               \
	})
#endif

#endif
