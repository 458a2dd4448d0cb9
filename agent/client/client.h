/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A connection to the agent. If none answers and the caller is root, one is started. */
#ifndef USN_CLIENT_H
#define USN_CLIENT_H

#include <jansson.h>

struct client;
struct usn_err;

int client_open(struct client **ret, struct usn_err *e);
struct client *client_free(struct client *c);

static inline void client_freep(struct client **c)
{
	client_free(*c);
}

/*
 * Calls io.usn.METHOD and waits for the answer. parameters is taken. On success *ret is the
 * answer's parameters (a new reference); ret_fd, unless NULL, gets the descriptor that came with
 * it: an answer without one is then an error, but for one that says entered, or descriptor: false.
 * Then it is -1. The agent's own errors come back as they were written there.
 */
int client_call(struct client *c, const char *method, json_t *parameters, json_t **ret, int *ret_fd,
		struct usn_err *e);

/* A text of an answer; "?" where the agent has sent none. */
const char *client_text(const json_t *value);

#endif
