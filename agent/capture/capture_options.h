/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the files of a capture are to be, and what they are called. */
#ifndef USN_CAPTURE_OPTIONS_H
#define USN_CAPTURE_OPTIONS_H

#include <stdint.h>

struct capture_file_options {
	const char *path; /* "-": standard output. With rotate_seconds a format of strftime(3) */
	const char *application;
	const char *filter; /* libpcap's, NULL: none */
	uint32_t snaplen;
	/* The last three are tcpdump's -C, -G and -W, and are not for the standard output. */
	uint64_t rotate_bytes;   /* a new file when this one has grown over so many; 0: never */
	uint32_t rotate_seconds; /* and so many seconds after the last one by time; 0: never */
	/* With rotate_bytes the first is overwritten then; without, it is over. 0: no limit. */
	uint32_t rotate_files;
};

#endif
