/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The reason of a failure. It is written once, where it is known, travels up beside the -errno,
 * and is printed once, at the edge (main, or the Varlink reply). Leaf code neither logs nor exits.
 */
#ifndef USN_ERR_H
#define USN_ERR_H

#include <usn/err.h>

/*
 * Writes the text, gives -code. No strerror is added: the text is for people.
 * Macros, so that analyzers see it.
 */
#define usn_fail(e, code, ...)                        \
	({                                            \
		int _code = (code);                   \
		usn_err_set((e), _code, __VA_ARGS__); \
		-_code;                               \
	})

/*
 * As usn_fail, with ": strerror(code)" at the end: for failures whose reason only the kernel knows.
 */
#define usn_fail_errno(e, code, ...)                        \
	({                                                  \
		int _code = (code);                         \
		usn_err_set_errno((e), _code, __VA_ARGS__); \
		-_code;                                     \
	})

void usn_err_set(struct usn_err *e, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void usn_err_set_errno(struct usn_err *e, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
