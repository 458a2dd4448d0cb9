// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The queues of devices. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "base/pidfd.h"
#include "usnd/agent.h"
#include "usnd/behind/peer.h"
#include "usnd/behind/queue.h"
#include "usnd/device/device.h"
#include "usnd/os/store.h"
#include "usnd/os/tun.h"

#define NAME_SIZE (USN_NAME_SIZE + 8)

static const char *rig_name(const struct device *d, char text[NAME_SIZE])
{
	snprintf(text, NAME_SIZE, "%s.rig", d->name);
	return text;
}

void queue_keep(const struct device *d)
{
	store_put(d->name, d->queue.fd);
}

void queue_unkeep(const struct device *d)
{
	char name[NAME_SIZE];

	store_remove(d->name);
	store_remove(rig_name(d, name));
}

static void rig_ready(struct source *s, uint32_t events)
{
	struct device *d = SOURCE_OWNER(s, struct device, rig);
	char name[NAME_SIZE];
	int r;

	(void)events;
	loop_forget(&d->agent->loop, s);
	s->fd = close_fd(s->fd);
	d->rig_pid = 0;
	store_remove(rig_name(d, name));
	/* Packets that the rig left unread are still in the queue: the peer goes on with them. */
	r = peer_start(d);
	if (r < 0)
		log_line(LOG_ERR, "%s: cannot read its queue again: %s", d->name, strerror(-r));
}

static int watch_rig(struct device *d, pid_t pid, int pidfd, struct usn_err *e)
{
	int r;

	d->rig = (struct source){ .fd = pidfd, .ready = rig_ready };
	d->rig_pid = pid;
	r = loop_watch(&d->agent->loop, &d->rig, EPOLLIN);
	if (r >= 0)
		return 0;
	d->rig.fd = close_fd(pidfd);
	d->rig_pid = 0;
	return usn_fail_errno(e, -r, "cannot watch the rig of %s", d->name);
}

/* What was kept while there was no agent. -ENOENT: nothing, or it is of a device that is no more. */
static int get_kept(struct device *d, struct usn_err *e)
{
	char name[NAME_SIZE];
	int rig = store_take(rig_name(d, name));

	d->queue.fd = store_take(d->name);
	if (d->queue.fd >= 0 && !tun_is(d->queue.fd, d->name)) {
		d->queue.fd = close_fd(d->queue.fd);
		queue_unkeep(d);
	}
	if (d->queue.fd < 0 || rig < 0) {
		close_fd(rig);
		return d->queue.fd < 0 ? -ENOENT : 0;
	}
	return watch_rig(d, pidfd_pid(rig), rig, e);
}

/* From who reads it, a rig. */
static int borrow(struct device *d, struct usn_err *e)
{
	char name[NAME_SIZE];
	pid_t pid;
	int r, pidfd;

	/* Who has it is then on the way to be the next agent. */
	if (store_is_for_another() && tun_is_kept(d->name))
		return usn_fail(e, EAGAIN,
				"process 1 keeps the queue of %s for usnd.service: start that, or "
				"try again",
				d->name);
	r = tun_borrow(d->name, &d->queue.fd, &pid, &pidfd);
	if (r < 0)
		return usn_fail_errno(e, -r, "%s is held by a process that cannot be found",
				      d->name);
	r = watch_rig(d, pid, pidfd, e);
	if (r >= 0)
		store_put(rig_name(d, name), pidfd);
	return r;
}

int queue_get(struct device *d, struct usn_err *e)
{
	int r = get_kept(d, e);

	if (r != -ENOENT)
		return r;
	r = tun_attach(d->name, &d->queue.fd, e);
	if (r == -EBUSY)
		r = borrow(d, e);
	if (r >= 0)
		queue_keep(d);
	return r;
}

int queue_lend(struct device *d, pid_t pid, int pidfd, struct usn_err *e)
{
	char name[NAME_SIZE];
	int flags, r;

	if (d->rig.fd >= 0) {
		close_fd(pidfd);
		return usn_fail(e, EBUSY, "%s has a rig already: process %d", d->name, d->rig_pid);
	}
	r = watch_rig(d, pid, pidfd, e);
	if (r < 0)
		return r;
	store_put(rig_name(d, name), pidfd);
	peer_stop(d);
	/* What an earlier rig set on the open file that it shared with us. */
	flags = fcntl(d->queue.fd, F_GETFL);
	if (flags >= 0)
		fcntl(d->queue.fd, F_SETFL, flags & ~O_NONBLOCK);
	return 0;
}
