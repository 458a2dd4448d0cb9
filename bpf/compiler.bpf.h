/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which compiler made the object, such as "Debian Clang 14.0.6". What the verifier makes of a program
 * depends on it, so a message about a refused program names the compiler (agent/lib/verifier.h).
 */
#ifndef USN_COMPILER_BPF_H
#define USN_COMPILER_BPF_H

const volatile char compiler[] __attribute__((weak)) = __VERSION__;

#endif
