/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the files of a capture are called, as tcpdump(8) has it. */
#ifndef USN_CAPTURE_NAME_H
#define USN_CAPTURE_NAME_H

#include <limits.h>
#include <stdint.h>

struct capture_file_options;
struct usn_err;

/*
 * when_ns: CLOCK_REALTIME, when the file's period of rotate_seconds began.
 * count: files of this period before it, modulo rotate_files. -ENAMETOOLONG.
 */
int capture_name(const struct capture_file_options *o, uint64_t when_ns, uint32_t count,
		 char ret[PATH_MAX], struct usn_err *e);

#endif
