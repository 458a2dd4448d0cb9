/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Why something failed, in one line for people. */
#ifndef USN_ERR_TEXT_H
#define USN_ERR_TEXT_H

struct usn_err {
	int code;       /* positive errno */
	char text[400]; /* one line: what is wrong, where, what to do */
};

#endif
