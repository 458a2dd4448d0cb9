/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the verifier makes of a program depends on the compiler:
 * which one it was, and how to hold it.
 */
#ifndef USN_COMPILER_BPF_H
#define USN_COMPILER_BPF_H

/* Such as "Debian Clang 14.0.6", for a message about a refused program (agent/tap/verifier.h). */
const volatile char compiler[] __attribute__((weak)) = __VERSION__;

/*
 * Stands first in a loop with two ends, a constant one and one that is read somewhere. It hides the
 * count from the compiler. clang 19 makes one end of both, min(read, constant), and may count down
 * from that. Linux 5.10 sees no end of a loop that begins at a number which it does not know ("The
 * sequence of 8193 jumps is too complex").
 */
#define COUNTED(i) asm volatile("" : "+r"(i))

#endif
