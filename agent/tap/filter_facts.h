/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What can be seen of a classic program before it is translated.
 * Its jumps lead forward, so one pass sees all of it.
 */
#ifndef USN_FILTER_FACTS_H
#define USN_FILTER_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include "tap/filter_parts.h"

/* Of each instruction. */
struct fact {
	bool reached;
	bool target;    /* by a jump, too, and not only from the instruction before */
	int32_t loaded; /* A holds what this instruction has loaded; -1: something else */
	/*
	 * 2, 4: what it loads is only compared, and may stay in the packet's
	 * byte order; 0: it may not
	 */
	uint8_t bytes;
};

void filter_facts_find(const struct filter *f, struct fact facts[]);

/* What the comparison here compares with, in the byte order of what it compares. */
uint32_t filter_facts_constant(const struct filter *f, const struct fact facts[], int32_t here);

/*
 * Where a jump from here to there may go instead: two instructions further,
 * if those would load into A and mask what it holds already.
 * pcap-filter's "tcp port 80" asks twice for the version of IP.
 */
int32_t filter_facts_shortcut(const struct filter *f, const struct fact facts[], int32_t here,
			      int32_t there);

#endif
