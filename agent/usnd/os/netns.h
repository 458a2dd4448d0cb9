/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The network namespace that this process is in, by the number that BPF programs see: its cookie.
 * On kernels where no socket tells it, a BPF program on a socket is asked.
 */
#ifndef USN_NETNS_H
#define USN_NETNS_H

#include <stdint.h>

struct usn_err;

/* What bpf_get_netns_cookie() returns for sockets of ours. */
int netns_cookie(uint64_t *ret, struct usn_err *e);

#endif
