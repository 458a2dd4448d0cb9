/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From a request to its answer: the method is looked for, its caller permitted, and it is called.
 */
#ifndef USN_DISPATCH_H
#define USN_DISPATCH_H

#include <jansson.h>

struct caller;
struct method;

/*
 * The answer to a request of the caller, a new object of Varlink: the parameters of one of the
 * methods of io.usn (behind the last is one without a name), or an error. NULL: out of memory.
 * *ret_fd, if it is not -1, is the caller's to close, and goes with the answer.
 */
json_t *dispatch(const struct method *methods, struct caller *c, const json_t *request,
		 int *ret_fd);

#endif
