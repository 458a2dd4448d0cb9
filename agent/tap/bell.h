/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What wakes a tap's reader: a small ring buffer of the kernel's (Documentation/bpf/ringbuf.rst),
 * whose records say nothing, and a timer. The ring buffer is waited for edge-triggered,
 * so that the descriptor is readable once each time that it was rung.
 */
#ifndef USN_BELL_H
#define USN_BELL_H

#include <stdbool.h>
#include <stdint.h>

struct bell {
	int epoll_fd;
	int timer_fd;           /* -1: none */
	uint64_t *rung, *heard; /* pages of the map: positions of the kernel and of ours */
};

/* Without a timer. 0 or -errno. */
int bell_open(struct bell *b, int map_fd);
void bell_close(struct bell *b);

/*
 * Once, so many ns from now, the descriptor becomes readable if it was not rung,
 * and stays so until this is called again. 0 or -errno.
 */
int bell_set_timer(struct bell *b, uint64_t ns);

/* Whether it was rung since it was last heard. */
bool bell_hear(struct bell *b);

#endif
