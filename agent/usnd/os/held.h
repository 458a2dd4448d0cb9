/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The rings that users hold. A ring is the kernel's memory as long as anybody has a descriptor of
 * it or a link of its tap, also when the connection that it was asked for by has ended: so it is
 * the rings that are counted, each by its map's id.
 */
#ifndef USN_HELD_H
#define USN_HELD_H

#include <stddef.h>
#include <sys/queue.h>
#include <sys/types.h>

struct held_ring;

LIST_HEAD(held_rings, held_ring);

/* How many there are of a user's. Those that are gone are forgotten. */
size_t held_count(struct held_rings *h, uid_t uid);

/* Counts one more. 0 or -errno. */
int held_add(struct held_rings *h, uid_t uid, int ring_fd);

void held_free(struct held_rings *h);

#endif
