// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Waiting for a tap. */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "tap/bell.h"

static size_t page(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static void *map(int map_fd, int prot, size_t offset)
{
	void *p = mmap(NULL, page(), prot, MAP_SHARED, map_fd, (off_t)offset);

	return p == MAP_FAILED ? NULL : p;
}

static int wait_for(struct bell *b, int fd, uint32_t events)
{
	struct epoll_event ev = { .events = events };

	return epoll_ctl(b->epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0 ? -errno : 0;
}

int bell_open(struct bell *b, int map_fd)
{
	*b = (struct bell){ .epoll_fd = -1, .timer_fd = -1 };
	b->heard = map(map_fd, PROT_READ | PROT_WRITE, 0);
	b->rung = map(map_fd, PROT_READ, page());
	if (!b->heard || !b->rung)
		return -errno;
	b->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	return b->epoll_fd < 0 ? -errno : wait_for(b, map_fd, EPOLLIN | EPOLLET);
}

static int open_timer(struct bell *b)
{
	b->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	return b->timer_fd < 0 ? -errno : wait_for(b, b->timer_fd, EPOLLIN);
}

int bell_set_timer(struct bell *b, uint64_t ns)
{
	const struct itimerspec once = { .it_value = { (time_t)(ns / NS_PER_S),
						       (long)(ns % NS_PER_S) } };
	int r = b->timer_fd < 0 ? open_timer(b) : 0;

	if (r < 0)
		return r;
	return timerfd_settime(b->timer_fd, 0, &once, NULL) < 0 ? -errno : 0;
}

void bell_close(struct bell *b)
{
	if (b->heard)
		munmap(b->heard, page());
	if (b->rung)
		munmap(b->rung, page());
	b->timer_fd = close_fd(b->timer_fd);
	b->epoll_fd = close_fd(b->epoll_fd);
	b->heard = b->rung = NULL;
}

bool bell_hear(struct bell *b)
{
	uint64_t rung = __atomic_load_n(b->rung, __ATOMIC_ACQUIRE);
	struct epoll_event ev[2];

	if (rung == *b->heard)
		return false;
	/*
	 * First the descriptor and then the room:
	 * what is rung in between is heard twice rather than never.
	 */
	epoll_wait(b->epoll_fd, ev, 2, 0);
	__atomic_store_n(b->heard, rung, __ATOMIC_RELEASE);
	return true;
}
