// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Where usn dump meets a recorder. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "usn/tail/rendezvous.h"

struct place {
	char socket[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	char lock[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	int socket_fd;
	int lock_fd; /* -1: the place is not ours */
};

/* Where the folder usn/record is: root's in /run, a user's in his own folder of the session. */
static int find_base(const char **ret, struct usn_err *e)
{
	const char *base = geteuid() ? getenv("XDG_RUNTIME_DIR") : "/run";

	if (!base || *base != '/')
		return usn_fail(e, ENOENT,
				"a recorder needs a folder of yours: set XDG_RUNTIME_DIR");
	if (strlen(base) + sizeof("/usn/record/usn4095.sock") >
	    sizeof(((struct place *)NULL)->socket))
		return usn_fail(e, ENAMETOOLONG, "XDG_RUNTIME_DIR is too long for a socket: %s",
				base);
	*ret = base;
	return 0;
}

static void name_place(struct place *p, const char *base, const char *device)
{
	*p = (struct place){ .socket_fd = -1, .lock_fd = -1 };
	snprintf(p->socket, sizeof(p->socket), "%s/usn/record/%.15s.sock", base, device);
	snprintf(p->lock, sizeof(p->lock), "%s/usn/record/%.15s.lock", base, device);
}

/* Others look for the agent in /run/usn; what is recorded is nobody else's. */
static int make_folder(const char *base, struct usn_err *e)
{
	char path[sizeof(((struct place *)NULL)->socket)];

	snprintf(path, sizeof(path), "%s/usn", base);
	if (mkdir(path, geteuid() ? 0700 : 0755) < 0 && errno != EEXIST)
		return usn_fail_errno(e, errno, "cannot make %s", path);
	snprintf(path, sizeof(path), "%s/usn/record", base);
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return usn_fail_errno(e, errno, "cannot make %s", path);
	return 0;
}

/*
 * A recorder that ends removes its lock, and may do so between our opening and our locking of it.
 */
static bool is_linked(int fd, const char *path)
{
	struct stat ours, there;

	return fstat(fd, &ours) == 0 && stat(path, &there) == 0 && ours.st_ino == there.st_ino &&
	       ours.st_dev == there.st_dev;
}

static int take_lock(struct place *p, const char *device, struct usn_err *e)
{
	for (;;) {
		_cleanup_close_ int fd = open(p->lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

		if (fd < 0)
			return usn_fail_errno(e, errno, "cannot open %s", p->lock);
		if (flock(fd, LOCK_EX | LOCK_NB) < 0)
			return errno == EWOULDBLOCK
				       ? usn_fail(e, EBUSY,
						  "%s is being recorded already: "
						  "usn dump %s -w FILE",
						  device, device)
				       : usn_fail_errno(e, errno, "cannot lock %s", p->lock);
		if (is_linked(fd, p->lock)) {
			p->lock_fd = TAKE_FD(fd);
			return 0;
		}
	}
}

static int listen_at(struct place *p, struct usn_err *e)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", p->socket);
	/* It is of one that was killed: the lock is ours. */
	unlink(p->socket);
	p->socket_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (p->socket_fd < 0 || bind(p->socket_fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 ||
	    chmod(p->socket, 0600) < 0 || listen(p->socket_fd, 8) < 0)
		return usn_fail_errno(e, errno, "cannot listen at %s", p->socket);
	return 0;
}

static int open_place(struct rendezvous *v, const char *base, const char *device, struct usn_err *e)
{
	struct epoll_event ev = { .events = EPOLLIN };
	struct place *p = &v->places[v->n++];
	int r;

	name_place(p, base, device);
	r = take_lock(p, device, e);
	if (r >= 0)
		r = listen_at(p, e);
	if (r >= 0 && epoll_ctl(v->epoll_fd, EPOLL_CTL_ADD, p->socket_fd, &ev) < 0)
		r = usn_fail_errno(e, errno, "cannot wait at %s", p->socket);
	return r;
}

int rendezvous_open(struct rendezvous *v, char *const *devices, size_t n, struct usn_err *e)
{
	const char *base = NULL;
	size_t i;
	int r;

	*v = (struct rendezvous){ .epoll_fd = epoll_create1(EPOLL_CLOEXEC) };
	v->places = calloc(n, sizeof(*v->places));
	if (v->epoll_fd < 0 || !v->places)
		return usn_fail(e, ENOMEM, "out of memory");
	r = find_base(&base, e);
	if (r >= 0)
		r = make_folder(base, e);
	for (i = 0; r >= 0 && i < n; i++)
		r = open_place(v, base, devices[i], e);
	return r;
}

static void shut(struct rendezvous *v)
{
	size_t i;

	for (i = 0; i < v->n; i++) {
		close_fd(v->places[i].socket_fd);
		close_fd(v->places[i].lock_fd);
	}
	close_fd(v->epoll_fd);
	free(v->places);
	*v = (struct rendezvous){ .epoll_fd = -1 };
}

void rendezvous_close(struct rendezvous *v)
{
	size_t i;

	for (i = 0; i < v->n; i++) {
		if (v->places[i].lock_fd < 0)
			continue;
		unlink(v->places[i].socket);
		unlink(v->places[i].lock);
	}
	shut(v);
}

void rendezvous_leave(struct rendezvous *v)
{
	shut(v);
}

/* The modes say so, too; but a descriptor may have been passed on. */
static bool is_ours(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && peer.uid == geteuid();
}

int rendezvous_accept(const struct rendezvous *v)
{
	size_t i;

	for (i = 0; i < v->n; i++) {
		_cleanup_close_ int fd = accept4(v->places[i].socket_fd, NULL, NULL, SOCK_CLOEXEC);

		if (fd >= 0)
			return is_ours(fd) ? TAKE_FD(fd) : -EPERM;
	}
	return -EAGAIN;
}

union control {
	struct cmsghdr head;
	char room[CMSG_SPACE(sizeof(int))];
};

/* The descriptor that came, -1: none. Padding leaves room for two: one of them is closed. */
static int take_descriptor(struct msghdr *m)
{
	struct cmsghdr *h = CMSG_FIRSTHDR(m);
	int fd = -1;
	size_t i;

	if (!h || h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
		return -1;
	for (i = 0; CMSG_LEN((i + 1) * sizeof(int)) <= h->cmsg_len; i++) {
		close_fd(fd);
		memcpy(&fd, CMSG_DATA(h) + i * sizeof(int), sizeof(int));
	}
	return fd;
}

int rendezvous_receive(int fd, int *ret_out, struct usn_err *e)
{
	_cleanup_close_ int out = -1;
	char word;
	union control c;
	struct iovec iov = { &word, 1 };
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof(c)
	};
	ssize_t n = recvmsg(fd, &m, MSG_CMSG_CLOEXEC);

	if (n >= 0)
		out = take_descriptor(&m);
	if (n != 1)
		return usn_fail(e, EPROTO, "the request did not come");
	if (out < 0)
		return usn_fail(e, EPROTO, "no file came with the request");
	*ret_out = TAKE_FD(out);
	return 0;
}

int rendezvous_reply(int fd, const struct rendezvous_answer *a)
{
	return send(fd, a, sizeof(*a), MSG_NOSIGNAL) == sizeof(*a) ? 0 : -errno;
}

int rendezvous_connect(const char *device, int *ret_fd, struct usn_err *e)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	const char *base;
	struct place p;
	int r = find_base(&base, e);

	if (r < 0)
		return r;
	name_place(&p, base, device);
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", p.socket);
	if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		return errno == ENOENT || errno == ECONNREFUSED
			       ? usn_fail(e, ENOENT, "nobody records %s: usn record %s", device,
					  device)
			       : usn_fail_errno(e, errno, "cannot connect to the recorder of %s",
						device);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int rendezvous_ask(int fd, int out, struct rendezvous_answer *ret, struct usn_err *e)
{
	char word = 'd';
	union control c = { .head = { .cmsg_level = SOL_SOCKET,
				      .cmsg_type = SCM_RIGHTS,
				      .cmsg_len = CMSG_LEN(sizeof(int)) } };
	struct iovec iov = { &word, 1 };
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof(c)
	};
	ssize_t n;

	memcpy(CMSG_DATA(&c.head), &out, sizeof(int));
	if (sendmsg(fd, &m, MSG_NOSIGNAL) != 1)
		return usn_fail_errno(e, errno, "cannot ask the recorder");
	n = recv(fd, ret, sizeof(*ret), 0);
	if (n != sizeof(*ret))
		return usn_fail(e, EIO, "the recorder ended before it had answered");
	ret->text[sizeof(ret->text) - 1] = '\0';
	return 0;
}
