/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The cookie of the network namespace that this process is in, where a socket tells it. */
#ifndef USN_BASE_NETNS_H
#define USN_BASE_NETNS_H

#include <stdint.h>

/* As sockets tell it since Linux 5.14. 0 or -errno; -ENOPROTOOPT: an older kernel. */
int netns_cookie_of_socket(uint64_t *ret);

#endif
