/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The agent's beginning and end. */
#ifndef USN_LIFE_H
#define USN_LIFE_H

struct agent;
struct usn_err;

/*
 * Opens everything and adopts what an earlier agent left. The socket listens first, so that callers
 * wait instead of failing while the programs load.
 */
int agent_open(struct agent **ret, struct usn_err *e);

/* Ends. Devices, bindings and programs stay as long as there is a device or a run. */
struct agent *agent_free(struct agent *a);

#endif
