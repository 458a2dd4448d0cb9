// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* usn down */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/parse.h"
#include "client/client.h"
#include "usn/verb.h"

static int parse_options(int argc, char **argv, bool *ret_force, struct usn_err *e)
{
	static const struct option longs[] = { { "force", no_argument, NULL, 'f' }, { 0 } };
	uint32_t number;
	int c, i;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "f", longs, NULL)) != -1) {
		if (c != 'f')
			return bad_option(argv, e);
		*ret_force = true;
	}
	if (optind == argc)
		return usage_error(e, "which device?");
	for (i = optind; i < argc; i++) {
		if (parse_device(argv[i], &number, e) < 0)
			return -EINVAL;
	}
	return 0;
}

static int run(int argc, char **argv, struct usn_err *e)
{
	_cleanup_(client_freep) struct client *c = NULL;
	bool force = false;
	int i, r;

	r = parse_options(argc, argv, &force, e);
	if (r >= 0)
		r = client_open(&c, e);
	for (i = optind; i < argc && r >= 0; i++) {
		json_t *reply;

		r = client_call(c, "Down",
				json_pack("{s:s, s:b}", "device", argv[i], "force", force), &reply,
				NULL, e);
		if (r >= 0)
			json_decref(reply);
	}
	return r;
}

static const char details[] =
	"  -f, --force   even while runs use it: their sockets then fail, and new ones are\n"
	"                refused; they never leave by another device";

const struct verb verb_down = {
	.name = "down",
	.arguments = "[--force] DEVICE...",
	.summary = "remove devices",
	.details = details,
	.run = run,
};
