// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Waiting for a tap. */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "lib/bell.h"

static size_t page(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static void *map(int map_fd, int prot, size_t offset)
{
	void *p = mmap(NULL, page(), prot, MAP_SHARED, map_fd, (off_t)offset);

	return p == MAP_FAILED ? NULL : p;
}

int bell_open(struct bell *b, int map_fd)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET };

	*b = (struct bell){ .epoll_fd = -1 };
	b->heard = map(map_fd, PROT_READ | PROT_WRITE, 0);
	b->rung = map(map_fd, PROT_READ, page());
	if (!b->heard || !b->rung)
		return -errno;
	b->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (b->epoll_fd < 0 || epoll_ctl(b->epoll_fd, EPOLL_CTL_ADD, map_fd, &ev) < 0)
		return -errno;
	return 0;
}

void bell_close(struct bell *b)
{
	if (b->heard)
		munmap(b->heard, page());
	if (b->rung)
		munmap(b->rung, page());
	b->epoll_fd = close_fd(b->epoll_fd);
	b->heard = b->rung = NULL;
}

bool bell_hear(struct bell *b)
{
	uint64_t rung = __atomic_load_n(b->rung, __ATOMIC_ACQUIRE);
	struct epoll_event ev;

	if (rung == *b->heard)
		return false;
	/* First the descriptor and then the room: what is rung in between is heard twice rather than never. */
	epoll_wait(b->epoll_fd, &ev, 1, 0);
	__atomic_store_n(b->heard, rung, __ATOMIC_RELEASE);
	return true;
}
