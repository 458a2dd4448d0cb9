/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Varlink's wire (varlink.org): JSON objects, each ended by a NUL, over a stream socket,
 * with descriptors beside them by SCM_RIGHTS.
 * Both the agent and its clients use this; it knows nothing of methods.
 */
#ifndef USN_VARLINK_H
#define USN_VARLINK_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define USN_SOCKET "/run/usn/usnd.sock"
#define USN_MANAGED \
	"/run/usn/managed" /* the last agent was a service manager's, which may start it again */

struct varlink {
	int fd;
	char *in; /* bytes read, not yet taken */
	size_t in_len, in_size, in_max;
	int in_fd; /* the last descriptor that came, -1: none */
	char *out; /* bytes that the socket did not take yet */
	size_t out_len;
};

/* Connects to the agent. A descriptor or -errno. */
int varlink_connect(void);

/* Takes fd. in_max: the longest message accepted, bytes. */
void varlink_init(struct varlink *v, int fd, size_t in_max);
void varlink_done(struct varlink *v);

/* Reads once. 1: something came; 0: the other side has closed; -EAGAIN, -EMSGSIZE, -errno. */
int varlink_read(struct varlink *v);

/*
 * Takes the next whole message. 1: *ret is a new object; 0: none yet; -EBADMSG: not a JSON object.
 */
int varlink_next(struct varlink *v, json_t **ret);

/*
 * Waits for the next whole message.
 * 1: *ret is a new object; 0: the other side has closed; -EAGAIN, -EMSGSIZE, -EBADMSG, -errno.
 */
int varlink_receive(struct varlink *v, json_t **ret);

/*
 * Sends or, on a non-blocking socket, queues msg, with a descriptor unless fd is -1. 0 or -errno.
 */
int varlink_send(struct varlink *v, const json_t *msg, int fd);

/* Sends what is queued. 0: all is out; 1: some is left; -errno. */
int varlink_flush(struct varlink *v);

#endif
