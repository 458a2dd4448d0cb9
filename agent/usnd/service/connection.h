/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A connection: its calls come in, and the answers go out, one after the other. */
#ifndef USN_CONNECTION_H
#define USN_CONNECTION_H

struct callers;

/* Serves a connection (taken if 0 is returned) from now on. -EPERM: its user has enough of them. */
int connection_open(struct callers *all, int fd);

/* Ends all connections; the runs that they were about to enter stay. */
void connections_end(struct callers *all);

#endif
