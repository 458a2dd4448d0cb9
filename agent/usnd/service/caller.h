/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Who is connected to the agent, and what each connection has. */
#ifndef USN_CALLER_H
#define USN_CALLER_H

#include <stddef.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "client/varlink.h"
#include "usnd/os/loop.h"

struct agent;
struct caller;
struct method;
struct run;
struct tapping;

/* All connections, and what they may call. */
struct callers {
	struct agent *agent;
	const struct method *methods; /* of io.usn; behind the last is one without a name */
	LIST_HEAD(, caller) list;
	size_t n;
};

/* One connection. */
struct caller {
	struct agent *agent;
	struct callers *among;
	LIST_ENTRY(caller) list;
	struct source source;
	struct varlink v;
	struct ucred cred;
	struct run *launching; /* the run that this connection is about to enter */
	struct tapping *tap;   /* NULL: none */
	int link_fd;           /* of the tap's, to be fetched; -1: none */
};

/* How many connections a user has. */
size_t callers_of(const struct callers *all, uid_t uid);

/* How many taps the agent has opened for a user. */
size_t callers_taps_of(const struct callers *all, uid_t uid);

#endif
