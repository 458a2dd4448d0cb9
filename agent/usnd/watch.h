/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Watches for interfaces of ours that somebody else removes. */
#ifndef USN_WATCH_H
#define USN_WATCH_H

struct agent;
struct usn_err;
struct watch;

int watch_open(struct agent *a, struct usn_err *e);
struct watch *watch_free(struct watch *w);

#endif
