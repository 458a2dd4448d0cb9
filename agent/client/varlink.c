// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Varlink's wire: messages in and out of a stream socket. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "client/varlink.h"

int varlink_connect(void)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX, .sun_path = USN_SOCKET };
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		return -errno;
	return TAKE_FD(fd);
}

void varlink_init(struct varlink *v, int fd, size_t in_max)
{
	*v = (struct varlink){ .fd = fd, .in_fd = -1, .in_max = in_max };
}

void varlink_done(struct varlink *v)
{
	v->fd = close_fd(v->fd);
	v->in_fd = close_fd(v->in_fd);
	free(v->in);
	free(v->out);
	v->in = v->out = NULL;
}

static int grow(struct varlink *v)
{
	size_t size = v->in_size ? v->in_size * 2 : 4096;
	char *in;

	if (v->in_len < v->in_size)
		return 0;
	if (v->in_size >= v->in_max)
		return -EMSGSIZE;
	in = realloc(v->in, size);
	if (!in)
		return -ENOMEM;
	v->in = in;
	v->in_size = size;
	return 0;
}

/*
 * Keeps the last descriptor, and closes those that nobody asked for:
 * padding leaves room for a second one.
 */
static void take_fds(struct varlink *v, struct msghdr *msg)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(msg);
	size_t n, i;

	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
		return;
	n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	for (i = 0; i < n; i++) {
		close_fd(v->in_fd);
		memcpy(&v->in_fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
	}
}

int varlink_read(struct varlink *v)
{
	char control[CMSG_SPACE(sizeof(int))];
	struct iovec iov;
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	ssize_t n;
	int r;

	r = grow(v);
	if (r < 0)
		return r;
	iov = (struct iovec){ v->in + v->in_len, v->in_size - v->in_len };
	do {
		n = recvmsg(v->fd, &msg, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	take_fds(v, &msg);
	v->in_len += (size_t)n;
	return n > 0;
}

int varlink_next(struct varlink *v, json_t **ret)
{
	char *end = v->in_len ? memchr(v->in, '\0', v->in_len) : NULL;
	json_t *msg;
	size_t used;

	if (!end)
		return 0;
	used = (size_t)(end - v->in) + 1;
	msg = json_loads(v->in, 0, NULL);
	memmove(v->in, v->in + used, v->in_len - used);
	v->in_len -= used;
	if (!json_is_object(msg)) {
		json_decref(msg);
		return -EBADMSG;
	}
	*ret = msg;
	return 1;
}

int varlink_receive(struct varlink *v, json_t **ret)
{
	int r;

	while (!(r = varlink_next(v, ret))) {
		r = varlink_read(v);
		if (r <= 0)
			return r;
	}
	return r;
}

static ssize_t send_with(int sock, const char *data, size_t len, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { (char *)data, len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;
	ssize_t n;

	if (fd >= 0) {
		msg.msg_control = control;
		msg.msg_controllen = sizeof(control);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	do {
		n = sendmsg(sock, &msg, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

static int queue(struct varlink *v, const char *data, size_t len)
{
	char *out = realloc(v->out, v->out_len + len);

	if (!out)
		return -ENOMEM;
	memcpy(out + v->out_len, data, len);
	v->out = out;
	v->out_len += len;
	return 0;
}

int varlink_send(struct varlink *v, const json_t *msg, int fd)
{
	_cleanup_free_ char *text = json_dumps(msg, JSON_COMPACT);
	ssize_t n = 0;
	size_t len;

	if (!text)
		return -ENOMEM;
	len = strlen(text) + 1;
	/* The descriptor travels with the first byte, so nothing may be queued before it. */
	if (v->out_len && fd >= 0)
		return -EBUSY;
	if (!v->out_len)
		n = send_with(v->fd, text, len, fd);
	if (n < 0 && (n != -EAGAIN || fd >= 0))
		return (int)n;
	if (n < 0)
		n = 0;
	if ((size_t)n < len && queue(v, text + n, len - (size_t)n) < 0)
		return -ENOMEM;
	if (v->out_len)
		n = varlink_flush(v);
	return n < 0 ? (int)n : 0;
}

int varlink_flush(struct varlink *v)
{
	while (v->out_len) {
		ssize_t n = send_with(v->fd, v->out, v->out_len, -1);

		if (n == -EAGAIN)
			return 1;
		if (n < 0)
			return (int)n;
		v->out_len -= (size_t)n;
		memmove(v->out, v->out + n, v->out_len);
	}
	return 0;
}
