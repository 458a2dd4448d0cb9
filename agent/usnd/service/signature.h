/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The parameters that a method takes, as the interface's own text declares them. */
#ifndef USN_SIGNATURE_H
#define USN_SIGNATURE_H

#include <jansson.h>

struct usn_err;

/*
 * Whether a call of the interface's method has what "method NAME(force: ?bool, ...)" asks for, each
 * of its type, and nothing else: an option that is not heard would do more than was asked for. null
 * stands for what is left out. 0 or -EINVAL.
 */
int signature_check(const char *interface, const char *method, const json_t *parameters,
		    struct usn_err *e);

#endif
