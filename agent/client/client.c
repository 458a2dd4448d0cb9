// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The agent's client: connect (starting an agent where there is none), call, decode. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/sibling.h"
#include "client/client.h"
#include "client/varlink.h"
#include "paths.h"

#define MANAGED_S 10 /* RestartSec= of usnd.service is 2 */
#define RESTART_S 3  /* the time between two agents of a service manager's, and more */
#define STARTED_S 2
#define ANSWER_MAX (16 << 20) /* bytes; 4,096 devices with some runs each need a tenth */

struct client {
	struct varlink v;
	bool answered; /* at least once */
};

/*
 * What a service manager tells the unit that we are in;
 * and ND, by which it would be bound in ambient mode.
 */
static const char *const not_its[] = { "NOTIFY_SOCKET", "JOURNAL_STREAM", "LISTEN_PID",
				       "LISTEN_FDS",    "LISTEN_FDNAMES", "ND" };

static _Noreturn void exec_agent(int out)
{
	char path[PATH_MAX];
	size_t i;

	sibling_path("usnd", USN_SBINDIR, path);
	dup2(out, STDERR_FILENO);
	dup2(out, STDOUT_FILENO);
	/* The agent outlives us, and what our caller left open must not live as long. */
	close_range(STDERR_FILENO + 1, ~0u, 0);
	for (i = 0; i < ARRAY_SIZE(not_its); i++)
		unsetenv(not_its[i]);
	execl(path, "usnd", "--ephemeral", (char *)NULL);
	dprintf(STDERR_FILENO, "%s: %s\n", path, strerror(errno));
	_exit(1);
}

/* The first line that the agent said, without its name. */
static void first_line(int fd, char *line, size_t size)
{
	size_t n = 0;
	ssize_t got;

	while (n < size - 1 && (got = read(fd, line + n, size - 1 - n)) > 0)
		n += (size_t)got;
	line[n] = '\0';
	line[strcspn(line, "\n")] = '\0';
	if (!strncmp(line, "usnd: ", 6))
		memmove(line, line + 6, strlen(line + 6) + 1);
}

/*
 * usnd goes into the background once its socket answers, or says why it cannot.
 * -EAGAIN: another is being restarted.
 */
static int start_agent(struct usn_err *e)
{
	_cleanup_close_ int in = -1, out = -1;
	char line[sizeof(e->text)];
	int fds[2], status;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return usn_fail_errno(e, errno, "cannot start the agent: pipe");
	in = fds[0];
	out = fds[1];
	pid = fork();
	if (pid < 0)
		return usn_fail_errno(e, errno, "cannot start the agent: fork");
	if (!pid)
		exec_agent(out);
	out = close_fd(out);
	first_line(in, line, sizeof(line));
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		return usn_fail(
			e, WIFEXITED(status) && WEXITSTATUS(status) == EX_TEMPFAIL ? EAGAIN : EIO,
			"%s", line[0] ? line : "the agent ended before it was ready");
	return 0;
}

/* Until an agent answers. */
static int wait_for_agent(int seconds)
{
	int fd = varlink_connect(), i;

	for (i = 0; fd < 0 && i < seconds * 100; i++) {
		poll(NULL, 0, 10);
		fd = varlink_connect();
	}
	return fd;
}

static int connect_or_start(struct usn_err *e)
{
	int fd = varlink_connect(), r;

	/*
	 * It was killed, and who manages it starts it again: with one of ours there it would fail.
	 */
	if (fd == -ECONNREFUSED && access(USN_MANAGED, F_OK) == 0)
		fd = wait_for_agent(MANAGED_S);
	if (fd >= 0)
		return fd;
	if (fd != -ENOENT && fd != -ECONNREFUSED)
		return usn_fail_errno(e, -fd, "cannot reach the agent at %s", USN_SOCKET);
	if (geteuid() != 0)
		return usn_fail(
			e, EPERM,
			"no agent is running, and only root can start one: run this as root");
	r = start_agent(e);
	if (r == -EAGAIN && (fd = wait_for_agent(RESTART_S)) >= 0)
		return fd;
	if (r < 0)
		return r;
	/* Another caller's agent may hold the lock and be about to listen. */
	fd = wait_for_agent(STARTED_S);
	if (fd >= 0)
		return fd;
	return usn_fail_errno(e, -fd, "the agent was started but does not answer at %s",
			      USN_SOCKET);
}

int client_open(struct client **ret, struct usn_err *e)
{
	struct client *c;
	int fd = connect_or_start(e);

	if (fd < 0)
		return fd;
	c = calloc(1, sizeof(*c));
	if (!c) {
		close_fd(fd);
		return usn_fail(e, ENOMEM, "out of memory");
	}
	varlink_init(&c->v, fd, ANSWER_MAX);
	*ret = c;
	return 0;
}

struct client *client_free(struct client *c)
{
	if (!c)
		return NULL;
	varlink_done(&c->v);
	free(c);
	return NULL;
}

static int send_call(struct client *c, const char *method, json_t *parameters, struct usn_err *e)
{
	json_t *call = json_pack("{s:o, s:O}", "method", json_sprintf("io.usn.%s", method),
				 "parameters", parameters);
	int r;

	if (!call)
		return usn_fail(e, ENOMEM, "out of memory");
	r = varlink_send(&c->v, call, -1);
	json_decref(call);
	return r < 0 ? usn_fail_errno(e, -r, "cannot ask the agent") : 0;
}

static int receive(struct client *c, json_t **ret, struct usn_err *e)
{
	int r = varlink_receive(&c->v, ret);

	if (!r)
		return usn_fail(e, ECONNRESET, "the agent ended while it was asked: try again");
	if (r == -EBADMSG)
		return usn_fail(e, EBADMSG, "the agent's answer is not a JSON object");
	return r < 0 ? usn_fail_errno(e, -r, "cannot read the agent's answer") : 0;
}

static int ask(struct client *c, const char *method, json_t *parameters, json_t **ret,
	       struct usn_err *e)
{
	int r = send_call(c, method, parameters, e);

	return r < 0 ? r : receive(c, ret, e);
}

/*
 * An agent that was killed may still have taken the connection: the next one does what was asked.
 */
static int ask_again(struct client *c, const char *method, json_t *parameters, json_t **ret,
		     struct usn_err *e)
{
	int fd = connect_or_start(e);

	if (fd < 0)
		return fd;
	varlink_done(&c->v);
	varlink_init(&c->v, fd, ANSWER_MAX);
	return ask(c, method, parameters, ret, e);
}

static int refused(const json_t *answer, const char *name, struct usn_err *e)
{
	const json_t *p = json_object_get(answer, "parameters");
	int code = (int)json_integer_value(json_object_get(p, "errno"));
	const char *text = json_string_value(json_object_get(p, "message"));

	if (!text || !*text)
		text = *name ? name : "the agent refuses, and does not say why";
	return usn_fail(e, code > 0 ? code : EIO, "%s", text);
}

int client_call(struct client *c, const char *method, json_t *parameters, json_t **ret, int *ret_fd,
		struct usn_err *e)
{
	json_t *answer, *p;
	const char *error;
	int r;

	if (!parameters)
		return usn_fail(e, EINVAL, "cannot ask the agent: not UTF-8");
	r = ask(c, method, parameters, &answer, e);
	if ((r == -ECONNRESET || r == -EPIPE) && !c->answered)
		r = ask_again(c, method, parameters, &answer, e);
	json_decref(parameters);
	if (r < 0)
		return r;
	c->answered = true;
	error = json_string_value(json_object_get(answer, "error"));
	p = json_object_get(answer, "parameters");
	if (error)
		r = refused(answer, error, e);
	else if (!json_is_object(p))
		r = usn_fail(e, EBADMSG, "the agent's answer to %s has no parameters", method);
	else if (ret_fd && c->v.in_fd < 0 && !json_is_true(json_object_get(p, "entered")) &&
		 !json_is_false(json_object_get(p, "descriptor")))
		r = usn_fail(e, EBADMSG, "the agent's answer to %s lacks a descriptor", method);
	if (r >= 0) {
		*ret = json_incref(p);
		if (ret_fd)
			*ret_fd = TAKE_FD(c->v.in_fd);
	}
	json_decref(answer);
	return r;
}

const char *client_text(const json_t *value)
{
	const char *text = json_string_value(value);

	return text ? text : "?";
}
