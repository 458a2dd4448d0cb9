/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The binding of the process that runs a program, and the counters of its device. */
#ifndef USN_BINDING_BPF_H
#define USN_BINDING_BPF_H

#include "maps.bpf.h"

/* Deeper than any cgroup tree in use; the kernel answers 0 for a level below the caller's own. */
#define CGROUP_LEVELS 24

static __always_inline const struct usn_binding *binding_above(void)
{
	int level;

	for (level = CGROUP_LEVELS; level > 0; level--) {
		__u64 id = bpf_get_current_ancestor_cgroup_id(level);
		const struct usn_binding *b;

		if (!id)
			continue;
		b = bpf_map_lookup_elem(&bindings, &id);
		if (b)
			return b;
	}
	return NULL;
}

/* The binding of the caller's cgroup, or of the nearest one above it; NULL: not in a run. */
static __always_inline const struct usn_binding *current_binding(void)
{
	__u64 id = bpf_get_current_cgroup_id();
	const struct usn_binding *b = bpf_map_lookup_elem(&bindings, &id);

	return b ? b : binding_above();
}

/* Adds one to a counter of the binding's device, on this CPU. */
#define COUNT(b, field)                                                           \
	do {                                                                      \
		__u32 number = (b)->number;                                       \
		struct usn_counters *c = bpf_map_lookup_elem(&counters, &number); \
		if (c)                                                            \
			c->field++;                                               \
	} while (0)

#define REFUSE 0
#define ALLOW 1

#endif
