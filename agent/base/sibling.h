/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where the other programs of the project are. */
#ifndef USN_SIBLING_H
#define USN_SIBLING_H

#include <limits.h>

/* Beside the caller's own program (a build tree), else in dir, where it was installed. */
void sibling_path(const char *name, const char *dir, char path[PATH_MAX]);

#endif
