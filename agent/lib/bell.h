/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What wakes a tap's reader: a small ring buffer of the kernel's (Documentation/bpf/ringbuf.rst), whose records say nothing.
 * It is waited for edge-triggered, so that the descriptor is readable once each time that it was rung.
 */
#ifndef USN_BELL_H
#define USN_BELL_H

#include <stdbool.h>
#include <stdint.h>

struct bell {
	int epoll_fd;
	uint64_t *rung, *heard; /* pages of the map: positions of the kernel and of ours */
};

/* 0 or -errno. */
int bell_open(struct bell *b, int map_fd);
void bell_close(struct bell *b);

/* Whether it was rung since it was last heard. */
bool bell_hear(struct bell *b);

#endif
