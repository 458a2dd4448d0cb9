// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The queues of devices. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include <usn/abi.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "base/pidfd.h"
#include "usnd/behind/behind.h"
#include "usnd/behind/peer.h"
#include "usnd/behind/queue.h"
#include "usnd/os/store.h"
#include "usnd/os/tun.h"

#define NAME_SIZE (USN_NAME_SIZE + 8)

static const char *rig_name(const struct behind *b, char text[NAME_SIZE])
{
	snprintf(text, NAME_SIZE, "%s.rig", b->name);
	return text;
}

void queue_keep(const struct behind *b)
{
	store_put(b->name, b->queue.fd);
}

void queue_unkeep(const struct behind *b)
{
	char name[NAME_SIZE];

	store_remove(b->name);
	store_remove(rig_name(b, name));
}

static void rig_ready(struct source *s, uint32_t events)
{
	struct behind *b = SOURCE_OWNER(s, struct behind, rig);
	char name[NAME_SIZE];
	int r;

	(void)events;
	loop_forget(b->loop, s);
	s->fd = close_fd(s->fd);
	b->rig_pid = 0;
	store_remove(rig_name(b, name));
	/* Packets that the rig left unread are still in the queue: the peer goes on with them. */
	r = peer_start(b);
	if (r < 0)
		log_line(LOG_ERR, "%s: cannot read its queue again: %s", b->name, strerror(-r));
}

static int watch_rig(struct behind *b, pid_t pid, int pidfd, struct usn_err *e)
{
	int r;

	b->rig = (struct source){ .fd = pidfd, .ready = rig_ready };
	b->rig_pid = pid;
	r = loop_watch(b->loop, &b->rig, EPOLLIN);
	if (r >= 0)
		return 0;
	b->rig.fd = close_fd(pidfd);
	b->rig_pid = 0;
	return usn_fail_errno(e, -r, "cannot watch the rig of %s", b->name);
}

/*
 * What was kept while there was no agent. -ENOENT: nothing, or it is of a device that is no more.
 */
static int get_kept(struct behind *b, struct usn_err *e)
{
	char name[NAME_SIZE];
	int rig = store_take(rig_name(b, name));

	b->queue.fd = store_take(b->name);
	if (b->queue.fd >= 0 && !tun_is(b->queue.fd, b->name)) {
		b->queue.fd = close_fd(b->queue.fd);
		queue_unkeep(b);
	}
	if (b->queue.fd < 0 || rig < 0) {
		close_fd(rig);
		return b->queue.fd < 0 ? -ENOENT : 0;
	}
	return watch_rig(b, pidfd_pid(rig), rig, e);
}

/* From who reads it, a rig. */
static int borrow(struct behind *b, struct usn_err *e)
{
	char name[NAME_SIZE];
	pid_t pid;
	int r, pidfd;

	/* Who has it is then on the way to be the next agent. */
	if (store_is_for_another() && tun_is_kept(b->name))
		return usn_fail(e, EAGAIN,
				"process 1 keeps the queue of %s for usnd.service: start that, or "
				"try again",
				b->name);
	r = tun_borrow(b->name, &b->queue.fd, &pid, &pidfd);
	if (r < 0)
		return usn_fail_errno(e, -r, "%s is held by a process that cannot be found",
				      b->name);
	r = watch_rig(b, pid, pidfd, e);
	if (r >= 0)
		store_put(rig_name(b, name), pidfd);
	return r;
}

int queue_get(struct behind *b, struct usn_err *e)
{
	int r = get_kept(b, e);

	if (r != -ENOENT)
		return r;
	r = tun_attach(b->name, &b->queue.fd, e);
	if (r == -EBUSY)
		r = borrow(b, e);
	if (r >= 0)
		queue_keep(b);
	return r;
}

int queue_serve(struct behind *b, uint32_t peer, struct usn_err *e)
{
	int r;

	b->peer = peer_get(peer);
	r = b->rig.fd >= 0 ? 0 : peer_start(b);
	return r < 0 ? usn_fail_errno(e, -r, "cannot read %s", b->name) : 0;
}

int queue_lend(struct behind *b, pid_t pid, int pidfd, struct usn_err *e)
{
	char name[NAME_SIZE];
	int flags, r;

	if (b->rig.fd >= 0) {
		close_fd(pidfd);
		return usn_fail(e, EBUSY, "%s has a rig already: process %d", b->name, b->rig_pid);
	}
	r = watch_rig(b, pid, pidfd, e);
	if (r < 0)
		return r;
	store_put(rig_name(b, name), pidfd);
	peer_stop(b);
	/* What an earlier rig set on the open file that it shared with us. */
	flags = fcntl(b->queue.fd, F_GETFL);
	if (flags >= 0)
		fcntl(b->queue.fd, F_SETFL, flags & ~O_NONBLOCK);
	return 0;
}

void queue_close(struct behind *b)
{
	peer_stop(b);
	loop_forget(b->loop, &b->rig);
	b->queue.fd = close_fd(b->queue.fd);
	b->rig.fd = close_fd(b->rig.fd);
}
