// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Any bytes from the other side of the socket, in pieces that the first byte chooses. What comes
 * out as a message is an object that survives the way back; the buffer never grows past its limit.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "client/varlink.h"
#include "fuzz.h"

#define IN_MAX 8192

/* Through a socket of its own and back. */
static void check_echo(const json_t *msg)
{
	struct varlink a, b;
	json_t *got = NULL;
	int fds[2], r;

	demand(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds));
	varlink_init(&a, fds[0], IN_MAX);
	/* Escapes may make it longer than it came. */
	varlink_init(&b, fds[1], 8 * IN_MAX);
	demand(!varlink_send(&a, msg, -1));
	while (!(r = varlink_next(&b, &got)))
		demand(varlink_read(&b) == 1);
	demand(r == 1 && json_equal(got, msg));
	json_decref(got);
	varlink_done(&a);
	varlink_done(&b);
}

/* Takes what is there. Returns how many it were, good or bad. */
static size_t take_all(struct varlink *v)
{
	size_t n = 0;
	json_t *msg;
	int r;

	while ((r = varlink_next(v, &msg))) {
		n++;
		if (r < 0)
			continue;
		demand(json_is_object(msg));
		check_echo(msg);
		json_decref(msg);
	}
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t piece = size ? 1 + data[0] * 8U : 1, at, messages = 0, nuls = 0;
	struct varlink v;
	int fds[2], r = 1;

	demand(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds));
	varlink_init(&v, fds[0], IN_MAX);
	for (at = 1; at < size && r > 0; at += piece) {
		size_t n = size - at < piece ? size - at : piece;

		demand(send(fds[1], data + at, n, MSG_NOSIGNAL) == (ssize_t)n);
		while ((r = varlink_read(&v)) == 1)
			messages += take_all(&v);
		if (r == -EAGAIN)
			r = 1;
		demand(v.in_len <= v.in_size && v.in_size <= IN_MAX);
	}
	for (size_t i = 1; i < size; i++)
		nuls += !data[i];
	/* One message a NUL, and all of them unless one was too long. */
	demand(r > 0 ? messages == nuls : r == -EMSGSIZE && messages <= nuls);
	varlink_done(&v);
	close(fds[1]);
	return 0;
}
