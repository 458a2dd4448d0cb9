/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The Varlink service of the agent: its lock, its socket, and when it may end. */
#ifndef USN_SERVICE_H
#define USN_SERVICE_H

#include <stdbool.h>

struct agent;
struct method;
struct service;
struct usn_err;

/*
 * Takes the lock of the only agent. -EALREADY: an agent that stays has it. methods are those of
 * io.usn, behind them one without a name.
 */
int service_open(struct agent *a, const struct method *methods, struct usn_err *e);

/* Callers are answered when the loop runs; those who come before wait. Once is enough. */
int service_listen(struct service *s, struct usn_err *e);
struct service *service_free(struct service *s);

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
