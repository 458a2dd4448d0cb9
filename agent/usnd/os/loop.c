// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The agent's event loop, on epoll. */
#include <errno.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "usnd/os/loop.h"

int loop_init(struct loop *l)
{
	*l = (struct loop){ .epoll_fd = epoll_create1(EPOLL_CLOEXEC) };
	return l->epoll_fd < 0 ? -errno : 0;
}

void loop_done(struct loop *l)
{
	l->epoll_fd = close_fd(l->epoll_fd);
}

int loop_watch(struct loop *l, struct source *s, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = s };

	if (!epoll_ctl(l->epoll_fd, EPOLL_CTL_MOD, s->fd, &ev))
		return 0;
	if (errno == ENOENT && !epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, s->fd, &ev))
		return 0;
	return -errno;
}

void loop_forget(struct loop *l, struct source *s)
{
	int i;

	if (s->fd >= 0)
		epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, s->fd, NULL);
	for (i = 0; i < l->n_batch; i++) {
		if (l->batch[i].data.ptr == s)
			l->batch[i].data.ptr = NULL;
	}
}

static void settle(struct loop *l)
{
	if (l->settled)
		l->settled(l);
}

int loop_run(struct loop *l)
{
	int i;

	settle(l);
	while (!l->stop) {
		l->n_batch = epoll_wait(l->epoll_fd, l->batch, LOOP_BATCH, -1);
		if (l->n_batch < 0 && errno != EINTR)
			return -errno;
		for (i = 0; i < l->n_batch; i++) {
			struct source *s = l->batch[i].data.ptr;

			if (s)
				s->ready(s, l->batch[i].events);
		}
		l->n_batch = 0;
		settle(l);
	}
	return 0;
}
