// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Reading clocks, and two as if at once. */
#include "base/clock.h"

uint64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

static int64_t now(clockid_t id)
{
	return (int64_t)clock_ns(id);
}

int64_t clock_real_offset(void)
{
	int64_t best = 0, narrowest = INT64_MAX;
	int i;

	/*
	 * Interrupted between the readings, a try is wide; of three, the narrowest is the truest.
	 */
	for (i = 0; i < 3; i++) {
		int64_t before = now(CLOCK_MONOTONIC);
		int64_t real = now(CLOCK_REALTIME);
		int64_t after = now(CLOCK_MONOTONIC);

		if (after - before < narrowest) {
			narrowest = after - before;
			best = real - (before + (after - before) / 2);
		}
	}
	return best;
}

uint64_t clock_mono_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}
