// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* usn-extcap: the devices as interfaces of Wireshark, by its extcap interface (extcap(4)). */
#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/tool.h"
#include "tap/filter.h"
#include "paths.h"
#include "usn-extcap/capture.h"
#include "usn-extcap/config.h"
#include "usn-extcap/interface.h"
#include "usn-extcap/options.h"

static void put_version(void)
{
	puts("extcap {version=" USN_VERSION "}{help=file://" USN_DOCDIR "/README.md}"
	     "{display=User-space network devices}");
}

/*
 * An answer is an error, no answer that the filter is well: the status is for calls that are wrong.
 */
static void check_filter(const char *expression)
{
	_cleanup_(filter_freep) struct filter *f = NULL;
	struct usn_err e;

	if (filter_compile(expression, &f, &e) < 0)
		puts(e.text);
}

static int answer(const struct extcap_options *o, struct usn_err *e)
{
	switch (o->call) {
	case CALL_HELP:
		printf("usage: usn-extcap CALL [OPTION]...\n\n%s", options_text);
		break;
	case CALL_VERSION:
		tool_print_version("usn-extcap");
		break;
	case CALL_INTERFACES:
		put_version();
		interface_list();
		break;
	case CALL_DLTS:
		puts("dlt {number=101}{name=RAW}{display=Raw IP}");
		break;
	case CALL_CONFIG:
		config_list();
		break;
	case CALL_CAPTURE:
		return capture_run(o, e);
	case CALL_NONE:
		if (o->filter)
			check_filter(o->filter);
		else
			put_version();
		break;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct usn_err e = { .code = EIO, .text = "failed" };
	struct extcap_options o;
	int r;

	ensure_stdio();
	r = options_parse(argc, argv, &o, &e);
	if (r >= 0)
		r = answer(&o, &e);
	if (r >= 0)
		r = tool_flush_stdout(&e);
	if (r >= 0)
		return 0;
	fprintf(stderr, "usn-extcap: %s\n", e.text);
	return r == -EINVAL ? 2 : 1;
}
