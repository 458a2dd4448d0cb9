// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* usn list and usn show: two views of what the agent reports. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/parse.h"
#include "client/client.h"
#include "usn/verb.h"

static const char *text_of(const json_t *o, const char *key)
{
	return client_text(json_object_get(o, key));
}

static json_int_t number_of(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

static void print_addresses(const json_t *device)
{
	const json_t *a;
	size_t i;

	json_array_foreach(json_object_get(device, "addresses"), i, a)
		printf("%s%s", i ? " " : "", client_text(a));
}

static void print_behind(const json_t *device)
{
	const json_t *rig = json_object_get(device, "rig");

	if (rig)
		printf("rig %" JSON_INTEGER_FORMAT "/%s", number_of(rig, "pid"),
		       text_of(rig, "command"));
	else
		printf("peer %s", text_of(device, "peer"));
}

static void print_processes(const json_t *run)
{
	const json_t *p;
	size_t i;

	json_array_foreach(json_object_get(run, "processes"), i, p)
		printf(" %" JSON_INTEGER_FORMAT "/%s", number_of(p, "pid"), text_of(p, "command"));
}

static const char *state_of(const json_t *device)
{
	if (json_is_true(json_object_get(device, "gone")))
		return "GONE";
	return json_is_true(json_object_get(device, "up")) ? "up" : "DOWN";
}

/* Descriptors, in runs of neighbours: 3-5 8. */
static void print_descriptors(const json_t *stale)
{
	size_t i, n = json_array_size(stale), first = 0;

	for (i = 1; i <= n; i++) {
		json_int_t from = number_of(json_array_get(stale, first), "descriptor");
		json_int_t to = number_of(json_array_get(stale, i - 1), "descriptor");

		if (i < n && number_of(json_array_get(stale, i), "descriptor") == to + 1)
			continue;
		printf(" %" JSON_INTEGER_FORMAT, from);
		if (to > from)
			printf("-%" JSON_INTEGER_FORMAT, to);
		first = i;
	}
}

static void print_stale(const json_t *run)
{
	const json_t *p;
	size_t i;

	json_array_foreach(json_object_get(run, "processes"), i, p) {
		const json_t *stale = json_object_get(p, "stale");

		if (!json_array_size(stale))
			continue;
		printf("  %-10s %" JSON_INTEGER_FORMAT "/%s: %zu of %" JSON_INTEGER_FORMAT
		       " sockets, descriptors",
		       "stale", number_of(p, "pid"), text_of(p, "command"), json_array_size(stale),
		       number_of(p, "sockets"));
		print_descriptors(stale);
		putchar('\n');
	}
}

static void print_runs(const json_t *device, const char *indent)
{
	const json_t *run;
	size_t i;

	json_array_foreach(json_object_get(device, "runs"), i, run) {
		printf("%srun %s", indent, text_of(run, "name"));
		print_processes(run);
		putchar('\n');
		print_stale(run);
	}
}

static json_int_t drops_of(const json_t *device)
{
	return number_of(json_object_get(device, "out"), "dropped") +
	       number_of(json_object_get(device, "in"), "dropped");
}

/* usn list: a line a device, a line a run. */
static void brief(const json_t *device)
{
	printf("%s %s ", text_of(device, "name"), state_of(device));
	print_addresses(device);
	printf(" ");
	print_behind(device);
	printf(" out %" JSON_INTEGER_FORMAT " in %" JSON_INTEGER_FORMAT
	       " dropped %" JSON_INTEGER_FORMAT "\n",
	       number_of(json_object_get(device, "out"), "packets"),
	       number_of(json_object_get(device, "in"), "packets"), drops_of(device));
	print_runs(device, "  ");
}

static void print_traffic(const char *label, const json_t *t)
{
	printf("  %-10s %" JSON_INTEGER_FORMAT " packets, %" JSON_INTEGER_FORMAT
	       " bytes, %" JSON_INTEGER_FORMAT " dropped\n",
	       label, number_of(t, "packets"), number_of(t, "bytes"), number_of(t, "dropped"));
}

static void print_verdicts(const json_t *verdicts)
{
	const char *name, *sep = "";
	json_t *value;

	printf("  %-10s ", "sockets");
	json_object_foreach((json_t *)verdicts, name, value) {
		if (!json_integer_value(value) && strcmp(name, "bound"))
			continue;
		printf("%s%" JSON_INTEGER_FORMAT " %s", sep, json_integer_value(value), name);
		sep = ", ";
	}
	putchar('\n');
}

/* A line of its own, if there is anything to say. */
static void print_words(const char *label, const json_t *words)
{
	const json_t *w;
	size_t i;

	json_array_foreach(words, i, w)
		printf(i ? " %s" : "\n  %-10s %s", i ? client_text(w) : label, client_text(w));
}

/* usn show: all of one device. */
static void full(const json_t *device)
{
	printf("%s\n  %-10s %s\n", text_of(device, "name"), "state", state_of(device));
	printf("  %-10s %" JSON_INTEGER_FORMAT "\n", "ifindex", number_of(device, "ifindex"));
	printf("  %-10s %" JSON_INTEGER_FORMAT "\n", "mtu", number_of(device, "mtu"));
	printf("  %-10s ", "addresses");
	print_addresses(device);
	print_words("except", json_object_get(device, "except"));
	print_words("dns", json_object_get(device, "dns"));
	printf("\n  %-10s ", "behind");
	print_behind(device);
	printf("\n  %-10s %" JSON_INTEGER_FORMAT " read, %" JSON_INTEGER_FORMAT
	       " answered, %" JSON_INTEGER_FORMAT " answers failed\n",
	       "peer", number_of(device, "peer_read"), number_of(device, "peer_answered"),
	       number_of(device, "peer_failed"));
	print_traffic("out", json_object_get(device, "out"));
	print_traffic("in", json_object_get(device, "in"));
	print_verdicts(json_object_get(device, "verdicts"));
	print_runs(device, "  ");
}

static int print_json(const json_t *o)
{
	int r = json_dumpf(o, stdout, JSON_INDENT(2));

	putchar('\n');
	return r;
}

static int ask(json_t *parameters, json_t **ret, struct usn_err *e)
{
	_cleanup_(client_freep) struct client *c = NULL;
	int r = client_open(&c, e);

	if (r < 0) {
		json_decref(parameters);
		return r;
	}
	return client_call(c, "List", parameters, ret, NULL, e);
}

static int run_list(int argc, char **argv, struct usn_err *e)
{
	const json_t *device;
	bool as_json = false;
	json_t *reply;
	size_t i;
	int r = parse_json_option(argc, argv, &as_json, e);

	if (r >= 0 && optind < argc)
		r = usage_error(e, "unexpected '%s'", argv[optind]);
	if (r >= 0)
		r = ask(json_object(), &reply, e);
	if (r < 0)
		return r;
	if (as_json)
		print_json(reply);
	else
		json_array_foreach(json_object_get(reply, "devices"), i, device)
			brief(device);
	json_decref(reply);
	return 0;
}

static int run_show(int argc, char **argv, struct usn_err *e)
{
	const json_t *device;
	bool as_json = false;
	uint32_t number;
	json_t *reply;
	int r = parse_json_option(argc, argv, &as_json, e);

	if (r >= 0 && optind != argc - 1)
		r = usage_error(e, "which device?");
	if (r >= 0)
		r = parse_device(argv[optind], &number, e);
	if (r >= 0)
		r = ask(json_pack("{s:s}", "device", argv[optind]), &reply, e);
	if (r < 0)
		return r;
	device = json_array_get(json_object_get(reply, "devices"), 0);
	if (!json_is_object(device))
		r = usn_fail(e, EBADMSG, "the agent's answer to List has no device");
	else if (as_json)
		print_json(device);
	else
		full(device);
	json_decref(reply);
	return r;
}

const struct verb verb_list = {
	.name = "list",
	.arguments = "[--json]",
	.summary = "devices and runs",
	.details = "  -j, --json   as the agent reports them",
	.run = run_list,
};

static const char show_details[] =
	"  -j, --json   as the agent reports it\n"
	"\n"
	"\"out\" is from the host to the rig or peer, \"in\" the other way. \"dropped\" has what\n"
	"the queue had no room for, although the sender was told that it was sent.";

const struct verb verb_show = {
	.name = "show",
	.arguments = "[--json] DEVICE",
	.summary = "all of one device",
	.details = show_details,
	.run = run_show,
};
