/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where a program goes for nearly every packet.
 *
 * A program runs once a packet, and what the sender does in between has pushed its instructions
 * out of the processor's first cache: each 64 bytes of them that are run cost about 4 ns. What is
 * rare stands behind what is not, or in a function of its own.
 */
#ifndef USN_LIKELY_BPF_H
#define USN_LIKELY_BPF_H

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#endif
