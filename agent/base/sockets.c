// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The IP sockets of a process. */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/pidfd.h"
#include "base/parse.h"
#include "base/sockets.h"

#ifndef SO_BINDTOIFINDEX
#define SO_BINDTOIFINDEX 62
#endif
#ifndef SO_COOKIE
#define SO_COOKIE 57
#endif

static int int_option(int fd, int option)
{
	int value = -1;
	socklen_t len = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, option, &value, &len) < 0 ? -1 : value;
}

static void read_addr(int (*get)(int, struct sockaddr *, socklen_t *), int fd,
		      struct sockaddr_storage *ret)
{
	socklen_t len = sizeof(*ret);

	memset(ret, 0, sizeof(*ret));
	if (get(fd, (struct sockaddr *)ret, &len) < 0)
		ret->ss_family = 0;
}

static int get_sockname(int fd, struct sockaddr *sa, socklen_t *len)
{
	return getsockname(fd, sa, len);
}

static int get_peername(int fd, struct sockaddr *sa, socklen_t *len)
{
	return getpeername(fd, sa, len);
}

/* False: it is no IP socket. */
static bool inspect(int fd, struct process_socket *s)
{
	socklen_t len = sizeof(s->cookie);
	int ifindex;

	s->family = int_option(fd, SO_DOMAIN);
	if (s->family != AF_INET && s->family != AF_INET6)
		return false;
	s->type = int_option(fd, SO_TYPE);
	s->protocol = int_option(fd, SO_PROTOCOL);
	ifindex = int_option(fd, SO_BINDTOIFINDEX);
	s->ifindex = ifindex > 0 ? (uint32_t)ifindex : 0;
	if (getsockopt(fd, SOL_SOCKET, SO_COOKIE, &s->cookie, &len) < 0)
		s->cookie = 0;
	read_addr(get_sockname, fd, &s->local);
	read_addr(get_peername, fd, &s->peer);
	return true;
}

/* Most descriptors are files: their link tells without a duplicate. */
static bool may_be_socket(int dir_fd, const char *name)
{
	char link[16];
	ssize_t n = readlinkat(dir_fd, name, link, sizeof(link));

	return n >= 7 && !memcmp(link, "socket:", 7);
}

static int by_number(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;

	return (x > y) - (x < y);
}

/* The numbers of the process's sockets, sorted; *ret is malloced. */
static int list_fds(pid_t pid, int **ret, size_t *ret_n)
{
	char path[48];
	struct dirent *d;
	int *fds = NULL, *more;
	size_t n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	if (!dir)
		return -errno;
	while ((d = readdir(dir))) {
		uint32_t fd;

		if (parse_u32(d->d_name, 0, INT32_MAX, &fd) < 0 ||
		    !may_be_socket(dirfd(dir), d->d_name))
			continue;
		more = realloc(fds, (n + 1) * sizeof(*fds));
		if (!more) {
			free(fds);
			closedir(dir);
			return -ENOMEM;
		}
		fds = more;
		fds[n++] = (int)fd;
	}
	closedir(dir);
	if (n)
		qsort(fds, n, sizeof(*fds), by_number);
	*ret = fds;
	*ret_n = n;
	return 0;
}

static int look_at(int pidfd, int fd, int (*f)(const struct process_socket *s, int dup, void *arg),
		   void *arg)
{
	_cleanup_close_ int copy = pidfd_getfd(pidfd, fd, 0);
	struct process_socket s = { .fd = fd };

	/* EBADF, ESRCH: closed or ended meanwhile. */
	if (copy < 0)
		return errno == EBADF || errno == ESRCH ? 0 : -errno;
	return inspect(copy, &s) ? f(&s, copy, arg) : 0;
}

int sockets_each(pid_t pid, int (*f)(const struct process_socket *s, int dup, void *arg), void *arg)
{
	_cleanup_close_ int pidfd = pidfd_of(pid);
	_cleanup_free_ int *fds = NULL;
	size_t n = 0, i;
	int r;

	if (pidfd < 0)
		return pidfd == -ESRCH ? 0 : pidfd;
	r = list_fds(pid, &fds, &n);
	if (r == -ENOENT || r == -ESRCH)
		return 0;
	for (i = 0; i < n && !r; i++)
		r = look_at(pidfd, fds[i], f, arg);
	return r;
}

const char *socket_protocol_text(const struct process_socket *s, char buf[16])
{
	static const struct {
		int protocol;
		const char *name;
	} names[] = {
		{ IPPROTO_TCP, "tcp" },         { IPPROTO_UDP, "udp" },
		{ IPPROTO_UDPLITE, "udplite" }, { 262 /* IPPROTO_MPTCP */, "mptcp" },
		{ IPPROTO_SCTP, "sctp" },       { IPPROTO_ICMP, "icmp" },
		{ IPPROTO_ICMPV6, "icmp" },
	};
	const char *six = s->family == AF_INET6 ? "6" : "";
	size_t i;

	for (i = 0; s->type != SOCK_RAW && i < ARRAY_SIZE(names); i++) {
		if (names[i].protocol == s->protocol) {
			snprintf(buf, 16, "%s%s", names[i].name, six);
			return buf;
		}
	}
	snprintf(buf, 16, "%s%s/%d", s->type == SOCK_RAW ? "raw" : "ip", six, s->protocol);
	return buf;
}

const char *socket_addr_text(const struct sockaddr_storage *sa, char buf[SOCKET_ADDR_SIZE])
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)sa;
	const struct sockaddr_in *in = (const struct sockaddr_in *)sa;
	char host[INET6_ADDRSTRLEN];

	if (sa->ss_family == AF_INET)
		snprintf(buf, SOCKET_ADDR_SIZE, "%s:%u",
			 inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host)),
			 ntohs(in->sin_port));
	else if (sa->ss_family == AF_INET6)
		snprintf(buf, SOCKET_ADDR_SIZE, "[%s]:%u",
			 inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host)),
			 ntohs(in6->sin6_port));
	else
		snprintf(buf, SOCKET_ADDR_SIZE, "*");
	return buf;
}
