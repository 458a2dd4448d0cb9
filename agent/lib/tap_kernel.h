/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What taps need of the kernel, asked by trying. */
#ifndef USN_TAP_KERNEL_H
#define USN_TAP_KERNEL_H

#include <stdbool.h>

/* Whether a BPF program may compare and exchange, by which a place in the ring is taken: since Linux 5.12. */
bool tap_kernel_exchanges(void);

#endif
