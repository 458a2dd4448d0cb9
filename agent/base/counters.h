/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How often each verdict was given, by name: struct usn_counters as a table. */
#ifndef USN_COUNTERS_H
#define USN_COUNTERS_H

#include <stddef.h>
#include <stdint.h>
#include <usn/abi.h>

struct counter {
	const char *name; /* of the member, and of the verdict in all that is shown */
	size_t offset;
};

#define N_COUNTERS (sizeof(struct usn_counters) / sizeof(uint64_t))
extern const struct counter counters[N_COUNTERS];

static inline uint64_t counter_value(const struct counter *k, const struct usn_counters *c)
{
	return *(const uint64_t *)((const char *)c + k->offset);
}

#endif
