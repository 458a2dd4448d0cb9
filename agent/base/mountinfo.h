/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Lines of /proc/PID/mountinfo (proc(5)). */
#ifndef USN_MOUNTINFO_H
#define USN_MOUNTINFO_H

#include <limits.h>
#include <stdio.h>

struct mount {
	char root[PATH_MAX];  /* what of the file system is mounted; "/" is all of it */
	char point[PATH_MAX]; /* where */
	char fstype[64];
};

/* Reads the next line. 1: *ret is filled; 0: no more; -EINVAL: not a mountinfo line. */
int mountinfo_next(FILE *f, struct mount *ret);

#endif
