/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The agent's event loop: descriptors and who is called when they are ready. */
#ifndef USN_LOOP_H
#define USN_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

/* Lives inside its owner, who keeps it in place while it is in the loop. */
struct source {
	int fd;
	void (*ready)(struct source *s, uint32_t events);
};

#define LOOP_BATCH 32

struct loop {
	int epoll_fd;
	/* Called before the loop waits, when all that has come is dealt with; NULL: nobody. */
	void (*settled)(struct loop *l);
	bool stop;
	int n_batch;
	struct epoll_event batch[LOOP_BATCH];
};

/* The owner of a source that is a member of it. */
#define SOURCE_OWNER(s, type, member) ((type *)((char *)(s)-offsetof(type, member)))

int loop_init(struct loop *l);
void loop_done(struct loop *l);

/* Adds, or changes the events of, a source. 0 or -errno. */
int loop_watch(struct loop *l, struct source *s, uint32_t events);

/* Takes a source out, even in the middle of a batch. The descriptor stays open. */
void loop_forget(struct loop *l, struct source *s);

/* Runs until l->stop; has settled when it returns 0. 0 or -errno. */
int loop_run(struct loop *l);

#endif
