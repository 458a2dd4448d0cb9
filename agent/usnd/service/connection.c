// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Connections: their limits, and their calls one after the other. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "usnd/agent.h"
#include "usnd/run/runs.h"
#include "usnd/service/caller.h"
#include "usnd/service/connection.h"
#include "usnd/service/dispatch.h"
#include "usnd/service/tapping.h"

#define REQUEST_MAX (256 << 10) /* bytes; the longest is a tap with a filter of 4096 instructions */
#define CALLERS_MAX 1024
#define CALLERS_OF_ONE 64 /* user that is not root */

static void connection_free(struct caller *c)
{
	loop_forget(&c->agent->loop, &c->source);
	LIST_REMOVE(c, list);
	c->among->n--;
	if (c->launching)
		run_launched(c->launching);
	tapping_free(c->tap);
	close_fd(c->link_fd);
	varlink_done(&c->v);
	free(c);
}

void connections_end(struct callers *all)
{
	struct caller *c;

	while ((c = LIST_FIRST(&all->list))) {
		/* The run stays: its launcher may still enter it, and the next agent finds it. */
		c->launching = NULL;
		connection_free(c);
	}
}

/* 0, or -errno when the connection is of no more use. */
static int answer(struct caller *c, const json_t *request)
{
	_cleanup_close_ int fd = -1;
	json_t *answer = dispatch(c->among->methods, c, request, &fd);
	int r = 0;

	if (!answer)
		return -ENOMEM;
	if (!json_is_true(json_object_get(request, "oneway")))
		r = varlink_send(&c->v, answer, fd);
	json_decref(answer);
	return r;
}

/* What was read, call by call, until an answer has to wait for the socket. */
static int serve(struct caller *c)
{
	json_t *request;
	int r = 0;

	while (r >= 0 && !c->v.out_len && (r = varlink_next(&c->v, &request)) == 1) {
		r = answer(c, request);
		json_decref(request);
	}
	return r;
}

static void connection_ready(struct source *s, uint32_t events)
{
	struct caller *c = SOURCE_OWNER(s, struct caller, source);
	int r = 1;

	if (events & EPOLLOUT)
		r = varlink_flush(&c->v) < 0 ? -EPIPE : 1;
	if (r > 0 && events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		r = varlink_read(&c->v);
	if (r == -EAGAIN)
		r = 1;
	if (r > 0)
		r = serve(c) < 0 ? -1 : 1;
	if (r > 0)
		r = loop_watch(&c->agent->loop, s, c->v.out_len ? EPOLLOUT : EPOLLIN) < 0 ? -1 : 1;
	if (r <= 0)
		connection_free(c);
}

static int may_connect(const struct callers *all, int fd, struct ucred *ret)
{
	socklen_t len = sizeof(*ret);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, ret, &len) < 0 || ret->pid <= 0)
		return -EPERM;
	if (all->n >= CALLERS_MAX || (ret->uid && callers_of(all, ret->uid) >= CALLERS_OF_ONE))
		return -EPERM;
	return 0;
}

int connection_open(struct callers *all, int fd)
{
	_cleanup_free_ struct caller *c = calloc(1, sizeof(*c));
	int r = c ? may_connect(all, fd, &c->cred) : -ENOMEM;

	if (r < 0)
		return r;
	c->agent = all->agent;
	c->among = all;
	c->link_fd = -1;
	c->source = (struct source){ .fd = fd, .ready = connection_ready };
	if (loop_watch(&c->agent->loop, &c->source, EPOLLIN) < 0)
		return -ENOMEM;
	varlink_init(&c->v, fd, REQUEST_MAX);
	LIST_INSERT_HEAD(&all->list, c, list);
	all->n++;
	TAKE_PTR(c);
	return 0;
}
