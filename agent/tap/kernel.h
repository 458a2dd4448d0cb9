/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What this kernel can: asked by trying, for distributions carry features to other versions.
 * By these the tools decide, and usn doctor reports the same.
 * 0, or -errno as the kernel gave it; -EINVAL: it does not know that.
 */
#ifndef USN_KERNEL_H
#define USN_KERNEL_H

/*
 * Programs of bind and sendmsg may call bpf_setsockopt(): since Linux 5.12.
 * Those of connect may since 5.8.
 */
int kernel_moves_anywhere(void);

/*
 * Programs of cgroups may call bpf_get_current_task_btf(),
 * by which ambient mode finds the environment.
 */
int kernel_tells_task(void);

/*
 * Programs may fetch-and-add and compare-and-exchange, by which a place in a tap's ring
 * is taken: since Linux 5.12.
 */
int kernel_exchanges(void);

#endif
