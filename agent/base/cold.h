/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* For functions that a way gone for each packet needs now and then: the compiler keeps them, and the branches to them, out of it. */
#ifndef USN_COLD_H
#define USN_COLD_H

#define _cold_ __attribute__((cold, noinline))

#endif
