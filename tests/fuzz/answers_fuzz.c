// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Any answers of an agent, and of a recorder, to the verbs of usn. A verb ends, and has a reason if
 * it fails; what --json prints is JSON; nothing is printed that was not in the answer.
 *
 * The first byte chooses the verb, the second one whether descriptors come with the answers. The
 * rest is what the other side sends, before it ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <usn.h>

#include "client/varlink.h"
#include "usn/tail/borrow.h"
#include "usn/verb.h"
#include "fuzz.h"
#include "output.h"

#define WORDS 5

static const struct {
	const struct verb *verb; /* NULL: a tap that is borrowed */
	const char *words[WORDS];
} calls[] = {
	{ &verb_list, { "list" } },
	{ &verb_list, { "list", "--json" } },
	{ &verb_show, { "show", "usn0" } },
	{ &verb_show, { "show", "--json", "usn0" } },
	{ &verb_ambient, { "ambient", "show" } },
	{ &verb_ambient, { "ambient", "show", "--json" } },
	{ &verb_ambient, { "ambient", "on" } },
	{ &verb_up, { "up", "usn0", "usn1", "MTU=1400" } },
	{ &verb_down, { "down", "usn0", "usn1" } },
	{ &verb_bind, { "bind", "--cgroup", "/a", "usn0" } },
	{ &verb_bind, { "bind", "--pid", "2", "usn0" } },
	{ &verb_unbind, { "unbind", "--cgroup", "/a" } },
	{ &verb_dump, { "dump", "-w", "/dev/null", "usn0" } },
	{ NULL, { "tail" } },
};

static const uint8_t *answers;
static size_t n_answers;
static bool with_descriptor;
static int other_side = -1; /* of the connection */

int __wrap_varlink_connect(void);
int __wrap_rendezvous_connect(const char *device, int *ret_fd, struct usn_err *e);
int __wrap_tree_move(pid_t pid, int procs_fd, pid_t **ret, size_t *ret_n, struct usn_err *e);
char *__wrap_cgroup_of_process(pid_t pid);

/* A descriptor goes with the first byte of a message: each byte of 0 ends one. */
static void send_answer(const uint8_t *data, size_t n)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} c = { .head = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
	struct iovec iov = { (void *)(uintptr_t)data, n };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (with_descriptor) {
		m.msg_control = &c;
		m.msg_controllen = sizeof(c);
		memcpy(CMSG_DATA(&c.head), &other_side, sizeof(int));
	}
	demand(sendmsg(other_side, &m, MSG_NOSIGNAL) == (ssize_t)n);
}

static int connect_to(int type)
{
	const uint8_t *end;
	int fds[2];

	close_fd(other_side);
	demand(!socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds));
	other_side = fds[1];
	for (size_t at = 0, n, i = 0; at < n_answers; at += n, i++) {
		/* A socket takes a few messages and descriptors, and the rest in one. */
		end = type == SOCK_STREAM && i < 8 ? memchr(answers + at, '\0', n_answers - at)
						   : NULL;
		n = end ? (size_t)(end - answers) + 1 - at : n_answers - at;
		send_answer(answers + at, n);
	}
	shutdown(other_side, SHUT_WR);
	return fds[0];
}

int __wrap_varlink_connect(void)
{
	return connect_to(SOCK_STREAM);
}

int __wrap_rendezvous_connect(const char *device, int *ret_fd, struct usn_err *e)
{
	(void)device, (void)e;
	*ret_fd = connect_to(SOCK_SEQPACKET);
	return 0;
}

/* No process is moved. */
int __wrap_tree_move(pid_t pid, int procs_fd, pid_t **ret, size_t *ret_n, struct usn_err *e)
{
	(void)pid, (void)procs_fd, (void)e;
	*ret = NULL;
	*ret_n = 0;
	return 0;
}

char *__wrap_cgroup_of_process(pid_t pid)
{
	(void)pid;
	return strdup("/");
}

static int borrow(struct usn_err *e)
{
	const struct usn_tap_options o = { .size = sizeof(o), .filter = "tcp" };
	char name[] = "usn0", *names[] = { name };
	struct usn_tap *t = NULL;
	int r = borrow_tap(names, 1, &o, &t, e);

	usn_tap_close(t);
	return r;
}

static int call(size_t which, struct usn_err *e)
{
	char *argv[WORDS + 1] = { 0 };
	int argc, r;

	if (!calls[which].verb)
		return borrow(e);
	for (argc = 0; argc < WORDS && calls[which].words[argc]; argc++)
		argv[argc] = strdup(calls[which].words[argc]);
	r = calls[which].verb->run(argc, argv, e);
	for (int i = 0; i < argc; i++)
		free(argv[i]);
	return r;
}

static void check_json(const char *text)
{
	json_t *o = json_loads(text, JSON_DECODE_ANY, NULL);

	demand(o != NULL);
	json_decref(o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct usn_err e = { 0 };
	struct output o;
	size_t which;
	int r;

	/* What is sent has to fit into the socket. */
	if (size < 2 || size > 32768)
		return 0;
	which = data[0] % ARRAY_SIZE(calls);
	with_descriptor = data[1] & 1;
	answers = data + 2;
	n_answers = size - 2;
	output_keep(&o);
	r = call(which, &e);
	output_end(&o);
	check_reason(r, &e);
	if (!r && calls[which].verb &&
	    strstr(calls[which].words[1] ? calls[which].words[1] : "", "--json"))
		check_json(o.text);
	demand(memmem(answers, n_answers, "(null)", 6) || !strstr(o.text, "(null)"));
	free(o.text);
	other_side = close_fd(other_side);
	return 0;
}
