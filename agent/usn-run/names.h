/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The files by which a C library knows whom to ask for names. */
#ifndef USN_NAMES_H
#define USN_NAMES_H

#include <jansson.h>

struct usn_err;

/*
 * Gives the calling process a mount namespace in which resolv.conf(5) has these servers,
 * nsswitch.conf(5) asks for hosts by files and DNS alone, and no name service cache answers.
 * What is there for others stays as it is.
 */
int names_make_private(const json_t *servers, struct usn_err *e);

#endif
