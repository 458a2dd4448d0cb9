/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Filters: the copy of a program for packets that begin as nearly all do,
 * which is IPv4 with a header of 20 bytes.
 *
 * Which version it is and how long its header is are the first questions of nearly every filter,
 * and one byte has the answers. With that byte known, they are not asked, what they lead to stands
 * next to each other, and what is behind the header is at a place that is known, too.
 */
#ifndef USN_FILTER_USUAL_H
#define USN_FILTER_USUAL_H

#include "tap/filter_steps.h"

/* Whether the program is small enough to be there twice. */
bool filter_usual_pays(const struct filter *f);

/* Other packets go on at the label. */
void filter_usual_begin(struct translation *t, int32_t others);

/*
 * The instruction, if what it does is known: true, with what it leaves in A or X there and known.
 * A jump that is known is left to filter_usual_way().
 */
bool filter_usual_knows(struct translation *t, const struct sock_filter *c);

/* -1: not known; 0: the comparison is false, 1: it is true. */
int filter_usual_way(const struct translation *t, const struct sock_filter *c);

#endif
