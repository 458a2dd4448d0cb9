// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Reading two clocks as if at once. */
#include <time.h>

#include "base/clock.h"

static int64_t now(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
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
	return (uint64_t)now(CLOCK_MONOTONIC);
}
