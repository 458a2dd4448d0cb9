/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What this kernel can: asked by trying, for distributions carry features to other versions. */
#ifndef USN_KERNEL_H
#define USN_KERNEL_H

#include <stdbool.h>

/* Whether programs of bind and sendmsg may call bpf_setsockopt(): since Linux 5.12. Those of connect may since 5.8. */
bool kernel_can_move_anywhere(void);

/* Whether programs of cgroups may call bpf_get_current_task_btf(), by which ambient mode finds the environment. */
bool kernel_tells_task(void);

#endif
