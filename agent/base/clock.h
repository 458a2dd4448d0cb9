/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The clocks, in nanoseconds. */
#ifndef USN_CLOCK_H
#define USN_CLOCK_H

#include <stdint.h>
#include <time.h>

#define NS_PER_S 1000000000ULL

/*
 * CLOCK_REALTIME minus CLOCK_MONOTONIC at this moment, ns. Taken once a batch and added to the
 * records' stamps: a step of the wall clock then shows as a step between two batches.
 */
int64_t clock_real_offset(void);

/* The clock of that number now. */
uint64_t clock_ns(clockid_t id);

/* CLOCK_MONOTONIC: the clock of the stamps. */
uint64_t clock_mono_ns(void);

#endif
