/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The reason of a failure. It is written once, where it is known, travels up beside the -errno, and is
 * printed once, at the edge (main, or the Varlink reply). Leaf code neither logs nor exits.
 */
#ifndef USN_ERR_H
#define USN_ERR_H

struct usn_err {
	int code;       /* positive errno */
	char text[400]; /* one line: what is wrong, where, what to do */
};

/* Writes "text" and returns -code. No strerror is added: the text is for people. */
int usn_fail(struct usn_err *e, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* As usn_fail, with ": strerror(code)" at the end: for failures whose reason only the kernel knows. */
int usn_fail_errno(struct usn_err *e, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
