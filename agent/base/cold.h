/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a way gone for each packet needs now and then: the compiler keeps it,
 * and the branches to it, out of that way.
 */
#ifndef USN_COLD_H
#define USN_COLD_H

#define _cold_ __attribute__((cold, noinline))

/* For what cannot be a function of its own. */
#define likely(x) __builtin_expect(!!(x), 1)

#endif
