// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Any bytes from programs that ours start or meet: usnd --check to usn doctor, a recorder that gets
 * ready to usn-run, and whoever asks a recorder for its packets.
 *
 * The first byte chooses, of those who ask it also how many descriptors come with the request.
 */
#include <dirent.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "usn/tail/rendezvous.h"
#include "fuzz.h"
#include "output.h"

#include "usn-run/recorder.c"
#include "usn/doctor/programs.c"

/* A pipe with the bytes in it, and nobody at its other end. */
static int pipe_of(const uint8_t *data, size_t size)
{
	int fds[2];

	demand(!pipe2(fds, O_CLOEXEC) && write(fds[1], data, size) == (ssize_t)size);
	close(fds[1]);
	return fds[0];
}

static void check_doctor(const uint8_t *data, size_t size)
{
	struct findings all = { 0 };

	read_check(&all, pipe_of(data, size), "/usr/sbin/usnd");
	demand(all.n == ARRAY_SIZE(agents));
	for (size_t i = 0; i < all.n; i++) {
		const char *found = all.rows[i].found;

		demand(*found &&
		       strnlen(found, sizeof(all.rows[i].found)) < sizeof(all.rows[i].found));
	}
}

static void check_ready(const uint8_t *data, size_t size)
{
	_cleanup_close_ int fd = pipe_of(data, size);
	struct usn_err e = { 0 };
	int r = wait_ready(fd, &e);

	check_reason(r, &e);
	demand(!r == (size >= 10 && !memcmp(data, "recording ", 10)));
}

static size_t open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t n = 0;

	demand(dir != NULL);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static void ask(int fd, const uint8_t *data, size_t size, size_t n)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(4 * sizeof(int))];
	} c = { .head = { CMSG_LEN(n * sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
	struct iovec iov = { (void *)(uintptr_t)data, size };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

	for (size_t i = 0; i < n; i++)
		memcpy(CMSG_DATA(&c.head) + i * sizeof(int), &fd, sizeof(int));
	if (n) {
		m.msg_control = &c;
		m.msg_controllen = CMSG_SPACE(n * sizeof(int));
	}
	demand(sendmsg(fd, &m, MSG_NOSIGNAL) == (ssize_t)size);
}

/* A request is a byte and a descriptor; no other descriptor stays. */
static void check_request(const uint8_t *data, size_t size, size_t n)
{
	size_t before = open_descriptors(), left;
	struct usn_err e = { 0 };
	int fds[2], out = -1, r;

	demand(!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds));
	ask(fds[1], data, size, n);
	close(fds[1]);
	r = rendezvous_receive(fds[0], &out, &e);
	check_reason(r, &e);
	demand(!r == (size && n));
	demand((out >= 0) == !r);
	close_fd(out);
	close(fds[0]);
	left = open_descriptors();
	demand(left == before);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1 || size > 4096)
		return 0;
	switch (data[0] % 6) {
	case 0:
		check_doctor(data + 1, size - 1);
		break;
	case 1:
		check_ready(data + 1, size - 1);
		break;
	default:
		check_request(data + 1, size - 1, data[0] % 6 - 2);
	}
	return 0;
}
