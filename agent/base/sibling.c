// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Where the other programs of the project are. */
#include <libgen.h>
#include <stdio.h>
#include <unistd.h>

#include "base/sibling.h"

void sibling_path(const char *name, const char *dir, char path[PATH_MAX])
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n > 0) {
		self[n] = '\0';
		if (snprintf(path, PATH_MAX, "%s/%s", dirname(self), name) < PATH_MAX &&
		    !access(path, X_OK))
			return;
	}
	snprintf(path, PATH_MAX, "%s/%s", dir, name);
}
