/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The peer is behind a device while the device has no rig. "none" drains the queue and counts the
 * packets, "echo" answers them, too. A peer is a row of the table in peer.c, at its number
 * (USN_PEER_*).
 */
#ifndef USN_PEER_H
#define USN_PEER_H

#include <stdint.h>

#include "base/words.h"

struct behind;

/* By number. Another version may have written a number that no peer has: then "none". */
const struct peer *peer_get(uint32_t peer);

/* "unknown": no peer has the number. */
const char *peer_name(uint32_t peer);

/* The number of the peer of this name. -ENOENT: no peer has the name. */
int peer_find(const char *name, uint32_t *ret);

/* Writes the names of all peers as "none or echo", and returns list. */
const char *peer_names(char list[WORDS_SIZE]);

/* Starts and stops b->peer. 0 or -errno. */
int peer_start(struct behind *b);
void peer_stop(struct behind *b);

#endif
