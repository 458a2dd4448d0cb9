// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The rings that users hold. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "usnd/os/held.h"

struct held_ring {
	LIST_ENTRY(held_ring) list;
	uid_t uid;
	uint32_t map_id;
};

static void forget(struct held_ring *r)
{
	LIST_REMOVE(r, list);
	free(r);
}

/* What cannot be asked for is taken to be there. Ids are given anew only after 2^31 others. */
static bool is_gone(const struct held_ring *r)
{
	int fd = bpf_map_get_fd_by_id(r->map_id);

	close_fd(fd);
	return fd == -ENOENT;
}

size_t held_count(struct held_rings *h, uid_t uid)
{
	struct held_ring *r, *next;
	size_t n = 0;

	for (r = LIST_FIRST(h); r; r = next) {
		next = LIST_NEXT(r, list);
		if (r->uid != uid)
			continue;
		if (is_gone(r))
			forget(r);
		else
			n++;
	}
	return n;
}

int held_add(struct held_rings *h, uid_t uid, int ring_fd)
{
	struct bpf_map_info info = { 0 };
	__u32 len = sizeof(info);
	struct held_ring *r;
	int error = bpf_obj_get_info_by_fd(ring_fd, &info, &len);

	if (error < 0)
		return error;
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->uid = uid;
	r->map_id = info.id;
	LIST_INSERT_HEAD(h, r, list);
	return 0;
}

void held_free(struct held_rings *h)
{
	while (!LIST_EMPTY(h))
		forget(LIST_FIRST(h));
}
