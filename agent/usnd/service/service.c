// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The socket, the lock, and the end of an agent that was started on demand. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "usnd/agent.h"
#include "usnd/os/notify.h"
#include "usnd/service/caller.h"
#include "usnd/service/connection.h"
#include "usnd/service/lock.h"
#include "usnd/service/service.h"

#define LINGER_S 1 /* between the last run, device and caller and the end of an ephemeral agent */

struct service {
	struct agent *agent;
	int lock_fd;
	struct source listener;
	struct source timer; /* -1: not ephemeral */
	bool lingering;      /* the timer runs: nothing is left to do */
	struct callers callers;
};

static void listener_ready(struct source *src, uint32_t events)
{
	struct service *s = SOURCE_OWNER(src, struct service, listener);
	int fd;

	(void)events;
	while ((fd = accept4(src->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
		if (connection_open(&s->callers, fd) < 0)
			close(fd);
	}
}

/* The socket. */

static void mark_managed(void)
{
	_cleanup_close_ int fd = -1;

	unlink(USN_MANAGED);
	if (notify_wanted())
		fd = open(USN_MANAGED, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
}

static int listen_at(struct service *s, struct usn_err *e)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX, .sun_path = USN_SOCKET };
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t mask;
	int r;

	if (fd < 0)
		return usn_fail_errno(e, errno, "cannot make a socket");
	unlink(USN_SOCKET);
	mark_managed();
	/* For everybody: who may do what is decided by who it is. */
	mask = umask(0111);
	r = bind(fd, (struct sockaddr *)&sa, sizeof(sa));
	umask(mask);
	if (r < 0 || listen(fd, SOMAXCONN) < 0)
		return usn_fail_errno(e, errno, "cannot listen at %s", USN_SOCKET);
	s->listener = (struct source){ .fd = fd, .ready = listener_ready };
	r = loop_watch(&s->agent->loop, &s->listener, EPOLLIN);
	if (r < 0)
		return usn_fail_errno(e, -r, "cannot watch %s", USN_SOCKET);
	TAKE_FD(fd);
	return 0;
}

int service_open(struct agent *a, const struct method *methods, struct usn_err *e)
{
	struct service *s = calloc(1, sizeof(*s));

	if (!s)
		return usn_fail(e, ENOMEM, "out of memory");
	s->agent = a;
	s->callers = (struct callers){ .agent = a, .methods = methods };
	s->lock_fd = s->listener.fd = s->timer.fd = -1;
	a->service = s;
	return lock_take(&s->lock_fd, e);
}

int service_listen(struct service *s, struct usn_err *e)
{
	return s->listener.fd >= 0 ? 0 : listen_at(s, e);
}

struct service *service_free(struct service *s)
{
	if (!s)
		return NULL;
	connections_end(&s->callers);
	if (s->listener.fd >= 0) {
		unlink(USN_SOCKET);
		loop_forget(&s->agent->loop, &s->listener);
		close_fd(s->listener.fd);
	}
	if (s->timer.fd >= 0)
		loop_forget(&s->agent->loop, &s->timer);
	close_fd(s->timer.fd);
	close_fd(s->lock_fd);
	free(s);
	return NULL;
}

/* The end of an agent that was started on demand. */

static void timer_ready(struct source *src, uint32_t events)
{
	struct service *s = SOURCE_OWNER(src, struct service, timer);
	struct usn_err e;
	uint64_t expired;

	(void)events;
	if (read(src->fd, &expired, sizeof(expired)) < 0 || !agent_idle(s->agent) || s->callers.n)
		return;
	/* Once the name is gone nobody new can come; whoever came before is in the backlog. */
	unlink(USN_SOCKET);
	listener_ready(&s->listener, EPOLLIN);
	if (!s->callers.n) {
		s->agent->loop.stop = true;
		return;
	}
	loop_forget(&s->agent->loop, &s->listener);
	s->listener.fd = close_fd(s->listener.fd);
	if (listen_at(s, &e) < 0) {
		log_line(LOG_ERR, "%s", e.text);
		s->agent->loop.stop = true;
	}
}

void service_make_ephemeral(struct service *s)
{
	s->timer =
		(struct source){ .fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK),
				 .ready = timer_ready };
	if (s->timer.fd < 0 || loop_watch(&s->agent->loop, &s->timer, EPOLLIN) < 0)
		log_line(LOG_WARNING, "no timer: the agent will stay until it is ended");
}

/* Set only when that changes: interfaces that come and go must not put the end off. */
void service_settle(struct service *s)
{
	bool done = agent_idle(s->agent) && !s->callers.n;
	struct itimerspec when = { .it_value.tv_sec = done ? LINGER_S : 0 };

	if (s->timer.fd < 0 || done == s->lingering)
		return;
	timerfd_settime(s->timer.fd, 0, &when, NULL);
	s->lingering = done;
}

bool service_yield(struct service *s)
{
	/* The answer goes out first: it is sent before the loop comes round. */
	if (s->timer.fd >= 0)
		s->agent->loop.stop = true;
	return s->timer.fd >= 0;
}
