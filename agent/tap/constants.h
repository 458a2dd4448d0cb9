/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Numbers that are put into a program's instructions before it is loaded (bpf/tap_constants.h). */
#ifndef USN_CONSTANTS_H
#define USN_CONSTANTS_H

#include <stddef.h>
#include <stdint.h>

struct bpf_program;

/*
 * Wherever the program loads the 64-bit number mark + i, i below n, it loads values[i] from then
 * on. 0, -ENOENT when it has none of them, -ENOMEM.
 */
int constants_put(struct bpf_program *prog, uint64_t mark, const uint64_t values[], size_t n);

/*
 * The same of the addresses of the only value of arrays, by their descriptors,
 * which stay the caller's until it is loaded.
 */
int constants_put_maps(struct bpf_program *prog, uint64_t mark, const int map_fds[], size_t n);

#endif
