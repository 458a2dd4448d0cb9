/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the programs have in common at their edges. */
#ifndef USN_TOOL_H
#define USN_TOOL_H

struct usn_err;

/* --version, on the standard output. */
void tool_print_version(const char *program);

/* What was written to the standard output goes out: a full disk shows here. 0 or -errno. */
int tool_flush_stdout(struct usn_err *e);

#endif
