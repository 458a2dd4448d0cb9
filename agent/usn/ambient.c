// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* usn ambient */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "client/client.h"
#include "usn/verb.h"

struct options {
	const char *action;
	const char *cgroup;
	bool json;
};

static int parse_options(int argc, char **argv, struct options *ret, struct usn_err *e)
{
	static const struct option longs[] = { { "cgroup", required_argument, NULL, 'c' },
					       { "json", no_argument, NULL, 'j' },
					       { 0 } };
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "c:j", longs, NULL)) != -1) {
		if (c == 'c')
			ret->cgroup = optarg;
		else if (c == 'j')
			ret->json = true;
		else
			return bad_option(argv, e);
	}
	if (optind != argc - 1)
		return usage_error(e, "on, off or show?");
	ret->action = argv[optind];
	if (strcmp(ret->action, "on") && strcmp(ret->action, "off") && strcmp(ret->action, "show"))
		return usage_error(e, "'%.40s' is not on, off or show", ret->action);
	if (ret->cgroup && strcmp(ret->action, "on"))
		return usage_error(e, "--cgroup goes with on");
	if (ret->json && strcmp(ret->action, "show"))
		return usage_error(e, "--json goes with show");
	return 0;
}

static void print_state(const json_t *state)
{
	const char *cgroup = json_string_value(json_object_get(state, "cgroup"));
	const char *name;
	const json_t *d;
	json_t *value;
	size_t i;

	if (json_is_true(json_object_get(state, "on")))
		printf("on for %s\n", cgroup ? cgroup : "a cgroup that is gone");
	else
		puts("off");
	printf("  %-8s", "devices");
	json_array_foreach(json_object_get(state, "devices"), i, d)
		printf(" %s", client_text(d));
	if (!i)
		fputs(" none: a device needs Ambient=yes", stdout);
	putchar('\n');
	json_object_foreach((json_t *)state, name, value) {
		if (json_is_integer(value) && json_integer_value(value))
			printf("  %" JSON_INTEGER_FORMAT " %s\n", json_integer_value(value), name);
	}
}

static int run(int argc, char **argv, struct usn_err *e)
{
	_cleanup_(client_freep) struct client *c = NULL;
	struct options o = { .action = "show" };
	json_t *parameters, *reply;
	int r = parse_options(argc, argv, &o, e);

	if (r >= 0)
		r = client_open(&c, e);
	if (r < 0)
		return r;
	parameters = strcmp(o.action, "show")
			     ? json_pack("{s:b, s:s*}", "on", !strcmp(o.action, "on"), "cgroup",
					 o.cgroup)
			     : json_object();
	r = client_call(c, "Ambient", parameters, &reply, NULL, e);
	if (r < 0)
		return r;
	if (o.json)
		json_dumpf(reply, stdout, JSON_INDENT(2));
	if (o.json)
		putchar('\n');
	else if (!strcmp(o.action, "show"))
		print_state(reply);
	json_decref(reply);
	return 0;
}

static const char details[] =
	"  -c, --cgroup=PATH  for the processes in a cgroup and below it only\n"
	"  -j, --json         as the agent reports it\n"
	"\n"
	"While it is on, a process that was started with ND=DEVICE in its environment has its\n"
	"sockets bound to that device, without usn-run. The device has to be up with Ambient=yes;\n"
	"if it is not, the sockets are refused.\n"
	"\n"
	"  usn up usn0 Peer=echo Ambient=yes\n"
	"  usn ambient on\n"
	"  ND=usn0 ping -c 3 10.64.0.2";

const struct verb verb_ambient = {
	.name = "ambient",
	.arguments = "on [--cgroup PATH] | off | show [--json]",
	.summary = "let ND in any environment name a device",
	.details = details,
	.run = run,
};
