/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How often a tap's reader looks: about as often as the writers fill a part of the ring.
 * To be woken by them would cost the sender of a packet, who is who is measured;
 * a clock of the reader's own costs the reader, about 40 us a look.
 */
#ifndef USN_PACE_H
#define USN_PACE_H

#include <stdbool.h>
#include <stdint.h>

#define PACE_SLOWEST_NS 40000000 /* USN_TAP_WAIT_MS */
#define PACE_FASTEST_NS 500000

struct pace {
	uint64_t bytes_a_look; /* wanted */
	uint64_t looked_ns, looked_bytes;
};

void pace_begin(struct pace *p, uint64_t bytes_a_look, uint64_t now_ns);

/* Whether the last look was just now, so that this one tells nothing. */
bool pace_is_early(const struct pace *p, uint64_t now_ns);

/* All that there was is read, bytes in all since the beginning: after how many ns to look again. */
uint64_t pace_next(struct pace *p, uint64_t now_ns, uint64_t bytes);

#endif
