/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The program that drops a rig's ICMP redirects, see bpf/redirects.bpf.c. */
#ifndef USN_REDIRECTS_H
#define USN_REDIRECTS_H

#include <stdint.h>

struct loaded;
struct redirects;
struct usn_err;

/* Loads the program. */
int redirects_open(struct redirects **ret, struct usn_err *e);
struct redirects *redirects_free(struct redirects *r);

/* Loads the program and frees it again. */
int redirects_try(struct loaded *ret, struct usn_err *e);

/*
 * Attaches it to an interface, in the place of an earlier agent's. It stays until the interface
 * goes.
 */
int redirects_drop(const struct redirects *r, uint32_t ifindex, const char *device,
		   struct usn_err *e);

#endif
