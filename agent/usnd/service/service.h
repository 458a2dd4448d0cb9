/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The agent's Varlink service: who is connected, and what they ask. */
#ifndef USN_SERVICE_H
#define USN_SERVICE_H

#include <jansson.h>
#include <stdbool.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "client/varlink.h"
#include "usnd/os/loop.h"

struct agent;
struct run;
struct service;
struct tapping;
struct usn_err;

/* One connection. */
struct caller {
	struct agent *agent;
	LIST_ENTRY(caller) list;
	struct source source;
	struct varlink v;
	struct ucred cred;
	struct run *launching; /* the run that this connection is about to enter */
	struct tapping *tap;   /* NULL: none */
	int link_fd;           /* of the tap's, to be fetched; -1: none */
};

/* One method of io.usn. On success *ret is a new object and *ret_fd, if not -1, goes with the answer. */
struct method {
	const char *name;
	int (*call)(struct caller *c, const json_t *parameters, json_t **ret, int *ret_fd,
		    struct usn_err *e);
	bool for_all; /* it asks permit_device() itself; others are root's */
};

/*
 * Takes the lock of the only agent. -EALREADY: an agent that stays has it. methods are those of
 * io.usn, behind them one without a name.
 */
int service_open(struct agent *a, const struct method *methods, struct usn_err *e);

/* Callers are answered when the loop runs; those who come before wait. Once is enough. */
int service_listen(struct service *s, struct usn_err *e);
struct service *service_free(struct service *s);

/* How many taps the agent has opened for a user. */
size_t service_taps_of(const struct service *s, uid_t uid);

/* Lets an agent that was started on demand end once nothing is left to do. */
void service_make_ephemeral(struct service *s);

/* Ends an agent that was started on demand. False: it was not. */
bool service_yield(struct service *s);

/*
 * What has come is dealt with: an agent that was started on demand looks whether anything is left
 * to do.
 */
void service_settle(struct service *s);

#endif
