// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The Varlink service: listen, accept, dispatch, answer. */
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
#include "base/notify.h"
#include "usnd/agent.h"
#include "usnd/run/runs.h"
#include "usnd/service/lock.h"
#include "usnd/service/service.h"
#include "usnd/service/tapping.h"

#define REQUEST_MAX (256 << 10) /* bytes; the longest is a tap with a filter of 4096 instructions */
#define CALLERS_MAX 1024
#define CALLERS_OF_ONE 64 /* user that is not root */
#define LINGER_S 1 /* between the last run, device and caller and the end of an ephemeral agent */

static const char description[] =
#include "io.usn.varlink.h"
	;

static const char varlink_description[] =
	"# What every service has (varlink.org).\n"
	"interface org.varlink.service\n\n"
	"method GetInfo() -> (\n"
	"  vendor: string, product: string, version: string, url: string, interfaces: []string\n"
	")\n\n"
	"method GetInterfaceDescription(interface: string) -> (description: string)\n\n"
	"error InterfaceNotFound (interface: string)\n"
	"error MethodNotFound (method: string)\n"
	"error MethodNotImplemented (method: string)\n"
	"error InvalidParameter (parameter: string)\n";

static const struct {
	const char *name;
	const char *description;
} interfaces[] = {
	{ "org.varlink.service", varlink_description },
	{ "io.usn", description },
};

struct service {
	struct agent *agent;
	const struct method *methods; /* of io.usn */
	int lock_fd;
	struct source listener;
	struct source timer; /* -1: not ephemeral */
	bool lingering;      /* the timer runs: nothing is left to do */
	LIST_HEAD(, caller) callers;
	size_t n_callers;
};

/* Callers. */

static void caller_free(struct caller *c)
{
	struct service *s = c->agent->service;

	loop_forget(&c->agent->loop, &c->source);
	LIST_REMOVE(c, list);
	s->n_callers--;
	if (c->launching)
		run_launched(c->launching);
	tapping_free(c->tap);
	close_fd(c->link_fd);
	varlink_done(&c->v);
	free(c);
}

static const struct {
	int code;
	const char *name;
} errors[] = {
	{ ENODEV, "io.usn.NoSuchDevice" }, { EBUSY, "io.usn.Busy" },   { EEXIST, "io.usn.Busy" },
	{ EINVAL, "io.usn.Invalid" },      { EPERM, "io.usn.Denied" },
};

static json_t *error_answer(const struct usn_err *e)
{
	const char *name = "io.usn.Failed";
	size_t i;

	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		if (errors[i].code == e->code)
			name = errors[i].name;
	}
	return json_pack("{s:s, s:{s:i, s:s%}}", "error", name, "parameters", "errno", e->code,
			 "message", e->text, strlen(e->text));
}

/* Errors of the protocol, org.varlink.service.NAME (KEY: VALUE). */
static json_t *protocol_error(const char *name, const char *key, const char *value)
{
	return json_pack("{s:o, s:{s:s}}", "error", json_sprintf("org.varlink.service.%s", name),
			 "parameters", key, value);
}

static json_t *get_info(void)
{
	return json_pack("{s:{s:s, s:s, s:s, s:s, s:[s, s]}}", "parameters", "vendor", "usn",
			 "product", "usnd", "version", USN_VERSION, "url", "", "interfaces",
			 "org.varlink.service", "io.usn");
}

static json_t *get_description(const json_t *parameters)
{
	const char *name = json_string_value(json_object_get(parameters, "interface"));
	size_t i;

	if (!name)
		return protocol_error("InvalidParameter", "parameter", "interface");
	for (i = 0; i < ARRAY_SIZE(interfaces); i++) {
		if (!strcmp(name, interfaces[i].name))
			return json_pack("{s:{s:s}}", "parameters", "description",
					 interfaces[i].description);
	}
	return protocol_error("InterfaceNotFound", "interface", name);
}

static json_t *call_method(struct caller *c, const struct method *m, const json_t *parameters,
			   int *ret_fd)
{
	struct usn_err e = { .code = EIO, .text = "failed" };
	json_t *result = NULL;

	if (c->cred.uid && !m->for_all) {
		usn_fail(&e, EPERM, "only root may do that: run this as root");
		return error_answer(&e);
	}
	if (m->call(c, parameters, &result, ret_fd, &e) < 0) {
		json_decref(result);
		return error_answer(&e);
	}
	return json_pack("{s:o}", "parameters", result);
}

static json_t *dispatch(struct caller *c, const char *method, const json_t *parameters, int *ret_fd)
{
	const struct method *m;

	if (!method)
		return protocol_error("InvalidParameter", "parameter", "method");
	if (!strcmp(method, "org.varlink.service.GetInfo"))
		return get_info();
	if (!strcmp(method, "org.varlink.service.GetInterfaceDescription"))
		return get_description(parameters);
	for (m = c->agent->service->methods; m->name; m++) {
		if (!strncmp(method, "io.usn.", 7) && !strcmp(method + 7, m->name))
			return call_method(c, m, parameters, ret_fd);
	}
	return protocol_error("MethodNotFound", "method", method);
}

/* 0, or -errno when the connection is of no more use. */
static int handle(struct caller *c, const json_t *call)
{
	const char *method = json_string_value(json_object_get(call, "method"));
	_cleanup_close_ int fd = -1;
	json_t *answer = dispatch(c, method, json_object_get(call, "parameters"), &fd);
	int r = 0;

	if (!answer)
		return -ENOMEM;
	if (!json_is_true(json_object_get(call, "oneway")))
		r = varlink_send(&c->v, answer, fd);
	json_decref(answer);
	return r;
}

/* What was read, call by call, until an answer has to wait for the socket. */
static int serve(struct caller *c)
{
	json_t *call;
	int r = 0;

	while (r >= 0 && !c->v.out_len && (r = varlink_next(&c->v, &call)) == 1) {
		r = handle(c, call);
		json_decref(call);
	}
	return r;
}

static void caller_ready(struct source *s, uint32_t events)
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
		caller_free(c);
}

static size_t connections_of(const struct service *s, uid_t uid)
{
	const struct caller *c;
	size_t n = 0;

	LIST_FOREACH(c, &s->callers, list)
	{
		n += c->cred.uid == uid;
	}
	return n;
}

size_t service_taps_of(const struct service *s, uid_t uid)
{
	const struct caller *c;
	size_t n = 0;

	LIST_FOREACH(c, &s->callers, list)
	{
		n += c->tap && c->cred.uid == uid;
	}
	return n;
}

static int caller_new(struct service *s, int fd)
{
	struct caller *c = calloc(1, sizeof(*c));
	socklen_t len = sizeof(c->cred);

	if (!c)
		return -ENOMEM;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c->cred, &len) < 0 || c->cred.pid <= 0 ||
	    (c->cred.uid && connections_of(s, c->cred.uid) >= CALLERS_OF_ONE)) {
		free(c);
		return -EPERM;
	}
	c->agent = s->agent;
	c->link_fd = -1;
	c->source = (struct source){ .fd = fd, .ready = caller_ready };
	if (loop_watch(&s->agent->loop, &c->source, EPOLLIN) < 0) {
		free(c);
		return -ENOMEM;
	}
	varlink_init(&c->v, fd, REQUEST_MAX);
	LIST_INSERT_HEAD(&s->callers, c, list);
	s->n_callers++;
	return 0;
}

static void listener_ready(struct source *src, uint32_t events)
{
	struct service *s = SOURCE_OWNER(src, struct service, listener);
	int fd;

	(void)events;
	while ((fd = accept4(src->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
		if (s->n_callers >= CALLERS_MAX || caller_new(s, fd) < 0)
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
	s->methods = methods;
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
	struct caller *c;

	if (!s)
		return NULL;
	while ((c = LIST_FIRST(&s->callers))) {
		/* The run stays: its launcher may still enter it, and the next agent finds it. */
		c->launching = NULL;
		caller_free(c);
	}
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
	if (read(src->fd, &expired, sizeof(expired)) < 0 || !agent_idle(s->agent) || s->n_callers)
		return;
	/* Once the name is gone nobody new can come; whoever came before is in the backlog. */
	unlink(USN_SOCKET);
	listener_ready(&s->listener, EPOLLIN);
	if (!s->n_callers) {
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
	bool done = agent_idle(s->agent) && !s->n_callers;
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
