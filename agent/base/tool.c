// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdio.h>

#include "base/err.h"
#include "base/tool.h"

void tool_print_version(const char *program)
{
	printf("%s " USN_VERSION "\n", program);
}

int tool_flush_stdout(struct usn_err *e)
{
	if (fflush(stdout) || ferror(stdout))
		return usn_fail_errno(e, errno, "cannot write to the standard output");
	return 0;
}
