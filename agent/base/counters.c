// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The verdicts' names, in the order in which they are shown. */
#include "base/counters.h"

/* clang-format off */
#define COUNTER(name) { #name, offsetof(struct usn_counters, name) }
/* clang-format on */

const struct counter counters[] = {
	COUNTER(bound),           COUNTER(deferred),        COUNTER(kept),
	COUNTER(rebound),         COUNTER(exempted),        COUNTER(asked),
	COUNTER(refused_device),  COUNTER(refused_netns),   COUNTER(refused_rebind),
	COUNTER(refused_option),  COUNTER(refused_send),    COUNTER(refused_dns),
	COUNTER(dropped_unbound), COUNTER(dropped_strayed),
};

_Static_assert(sizeof(counters) / sizeof(counters[0]) == N_COUNTERS, "every counter has a name");
