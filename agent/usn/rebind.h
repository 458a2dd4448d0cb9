/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The sockets that running processes have already: listed, and bound to a device or freed. */
#ifndef USN_REBIND_H
#define USN_REBIND_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/exempt.h"

struct usn_err;

struct rebind {
	bool change;          /* otherwise they are listed only */
	const char *device;   /* "": none */
	struct exempt except; /* what stays off the device */
	uint64_t *seen;       /* cookies of those that were listed, malloced */
	size_t n_seen;
};

/* Prints a line a socket; what is one socket in several processes is printed once. */
int rebind_process(struct rebind *b, pid_t pid, struct usn_err *e);

#endif
