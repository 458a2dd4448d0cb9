// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The pace of a tap's reader. */
#include "tap/pace.h"

void pace_begin(struct pace *p, uint64_t bytes_a_look, uint64_t now_ns)
{
	*p = (struct pace){ .bytes_a_look = bytes_a_look, .looked_ns = now_ns };
}

bool pace_is_early(const struct pace *p, uint64_t now_ns)
{
	return now_ns - p->looked_ns < PACE_FASTEST_NS / 2;
}

static uint64_t interval(const struct pace *p, uint64_t ns, uint64_t bytes)
{
	double wanted = (double)ns * (double)p->bytes_a_look / (double)(bytes ? bytes : 1);

	if (wanted >= PACE_SLOWEST_NS)
		return PACE_SLOWEST_NS;
	return wanted <= PACE_FASTEST_NS ? PACE_FASTEST_NS : (uint64_t)wanted;
}

uint64_t pace_next(struct pace *p, uint64_t now_ns, uint64_t bytes)
{
	uint64_t next = interval(p, now_ns - p->looked_ns, bytes - p->looked_bytes);

	p->looked_ns = now_ns;
	p->looked_bytes = bytes;
	return next;
}
