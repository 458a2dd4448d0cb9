// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * usn-run: env(1) for network devices.
 *
 * It asks the agent for a run, moves itself into the run's cgroup and execs in place,
 * so that signals, terminal, job control and exit status are the application's own.
 */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/netns.h"
#include "base/parse.h"
#include "base/tool.h"
#include "client/client.h"
#include "usn-run/names.h"
#include "usn-run/recorder.h"

/* As env(1) has them. */
#define EXIT_OURS 125
#define EXIT_CANNOT_RUN 126
#define EXIT_NOT_FOUND 127

static const char help[] =
	"usage: usn-run [OPTION]... ND=DEVICE [NAME=VALUE]... [--] COMMAND [ARGUMENT]...\n"
	"\n"
	"Runs COMMAND with all its sockets bound to DEVICE; it and its children become a run,\n"
	"which usn list shows. Without ND=DEVICE the ND of the environment counts.\n"
	"\n"
	"  -i, --ignore-environment  start with an empty environment\n"
	"  -u, --unset=NAME          remove NAME from the environment\n"
	"  -C, --chdir=DIR           change to DIR first\n"
	"  -x, --except=RULE         let sockets go past DEVICE to [tcp:|udp:]ADDRESS[/PREFIX]\n"
	"                            [:PORT[-PORT]], to local, the host's own addresses, to x11,\n"
	"                            TCP ports 6000 to 6063, or to loopback, which is exempt\n"
	"                            anyway; repeatable\n"
	"      --no-except           exempt only what --except says, not even loopback\n"
	"      --dns=SERVERS         ask these name servers, through DEVICE, whatever server\n"
	"                            COMMAND would ask: ADDRESS[,ADDRESS], or none\n"
	"      --dump-on-failure=FILE  keep the newest packets in memory, 64M of them, and write\n"
	"                            them as pcapng if COMMAND fails\n"
	"      --no-guard            do not drop packets that leave by another device\n"
	"      --help                show this\n"
	"      --version             show the version\n"
	"\n"
	"Exit status: COMMAND's; 125 if usn-run itself fails, 126 if COMMAND cannot be run,\n"
	"127 if it is not found.\n"
	"\n"
	"  usn-run ND=usn0 -- ping -c 3 10.64.0.2\n";

struct options {
	bool clear;
	const char **unset; /* names, ended by NULL */
	size_t n_unset;
	const char *dir;
	json_t *except; /* rules, a list */
	bool only_except;
	bool no_guard;
	const char *dns; /* NULL: the device's */
	char *dump;      /* malloced: where to write packets on failure; NULL: nowhere */
};

static int finish(void)
{
	struct usn_err e;

	if (tool_flush_stdout(&e) >= 0)
		return 0;
	fprintf(stderr, "usn-run: %s\n", e.text);
	return EXIT_OURS;
}

static const struct option longs[] = { { "ignore-environment", no_argument, NULL, 'i' },
				       { "unset", required_argument, NULL, 'u' },
				       { "chdir", required_argument, NULL, 'C' },
				       { "except", required_argument, NULL, 'x' },
				       { "no-except", no_argument, NULL, 'X' },
				       { "dns", required_argument, NULL, 'D' },
				       { "dump-on-failure", required_argument, NULL, 'F' },
				       { "no-guard", no_argument, NULL, 'G' },
				       { "help", no_argument, NULL, 'h' },
				       { "version", no_argument, NULL, 'V' },
				       { 0 } };

static int take_except(struct options *o, struct usn_err *e)
{
	if (json_array_append_new(o->except, json_string(optarg)))
		return usn_fail(e, EINVAL, "'%s' is no exemption", optarg);
	return 0;
}

static int take_dump(struct options *o, struct usn_err *e)
{
	free(o->dump);
	o->dump = NULL;
	return recorder_check(optarg, &o->dump, e);
}

static int take_option(struct options *o, int c, char **argv, struct usn_err *e)
{
	switch (c) {
	case 'i':
		o->clear = true;
		return 0;
	case 'u':
		o->unset[o->n_unset++] = optarg;
		return 0;
	case 'C':
		o->dir = optarg;
		return 0;
	case 'x':
		return take_except(o, e);
	case 'X':
		o->only_except = true;
		return 0;
	case 'D':
		o->dns = optarg;
		return 0;
	case 'F':
		return take_dump(o, e);
	case 'G':
		o->no_guard = true;
		return 0;
	}
	return usn_fail(e, EINVAL, "wrong option '%s', or its value is missing: see usn-run --help",
			wrong_option(argv));
}

static int parse_options(int argc, char **argv, struct options *o, struct usn_err *e)
{
	int c, r = 0;

	opterr = 0;
	while (r >= 0 && (c = getopt_long(argc, argv, "+iu:C:x:", longs, NULL)) != -1) {
		if (c == 'h' || c == 'V') {
			if (c == 'h')
				fputs(help, stdout);
			else
				tool_print_version("usn-run");
			exit(finish());
		}
		r = take_option(o, c, argv, e);
	}
	return r;
}

/* Applies the options and the NAME=VALUE words; argv[optind] is the command afterwards. */
static int set_environment(int argc, char **argv, const struct options *o, struct usn_err *e)
{
	_cleanup_free_ char *inherited = NULL;
	const char *nd = getenv("ND");
	size_t i;

	/* ND says where to run: -i clears it for the application only if it is not what decides. */
	if (o->clear && nd)
		inherited = strdup(nd);
	if (o->clear)
		clearenv();
	if (inherited)
		setenv("ND", inherited, 1);
	for (i = 0; i < o->n_unset; i++) {
		if (unsetenv(o->unset[i]) < 0)
			return usn_fail(e, EINVAL, "cannot unset '%s': not a variable's name",
					o->unset[i]);
	}
	/* getopt has taken a "--" already if it stood before the variables. */
	for (; optind < argc && strcmp(argv[optind], "--"); optind++) {
		if (!strchr(argv[optind], '='))
			break;
		if (argv[optind][0] == '=' || putenv(argv[optind]))
			return usn_fail(e, EINVAL, "'%s' is not NAME=VALUE", argv[optind]);
	}
	if (optind < argc && !strcmp(argv[optind], "--"))
		optind++;
	if (optind == argc)
		return usn_fail(e, EINVAL, "which command? See usn-run --help");
	return 0;
}

static int wanted_device(const char **ret, struct usn_err *e)
{
	const char *nd = getenv("ND");
	uint32_t number;

	if (!nd || !*nd)
		return usn_fail(e, EINVAL, "which device? Give ND=DEVICE, as in ND=usn0");
	*ret = nd;
	return parse_device(nd, &number, e);
}

/* So that the agent can say what is wrong before every socket is refused. */
static json_t *parameters_for(const char *device, const char *command, const struct options *o)
{
	const char *slash = strrchr(command, '/');
	json_t *p =
		json_pack("{s:s, s:O, s:b, s:b, s:s*}", "device", device, "except", o->except,
			  "only_except", o->only_except, "no_guard", o->no_guard, "dns", o->dns);
	/* What is not UTF-8 is no name for a scope either, and any will do. */
	json_t *name = json_string(slash ? slash + 1 : command);
	uint64_t cookie;

	if (netns_cookie_of_socket(&cookie) >= 0)
		json_object_set_new(p, "netns", json_integer((json_int_t)cookie));
	json_object_set_new(p, "command", name ? name : json_string("command"));
	return p;
}

/*
 * Programs that read no file are served by the bind alone, so what cannot be done
 * here is no reason to stop.
 */
static void use_name_servers(const json_t *servers)
{
	struct usn_err e;

	if (json_array_size(servers) && names_make_private(servers, &e) < 0)
		fprintf(stderr, "usn-run: warning: %s\n", e.text);
}

/*
 * Enters a run. The connection stays open until exec closes it, which tells the agent that an empty
 * cgroup now means an ended run.
 */
static int enter_run(const char *device, const char *command, const struct options *o,
		     struct usn_err *e)
{
	_cleanup_(recorder_done) struct recorder rec = { -1, -1 };
	_cleanup_close_ int procs = -1;
	struct client *c;
	json_t *reply;
	int r;

	r = client_open(&c, e);
	if (r >= 0 && o->dump)
		r = recorder_prepare(device, o->dump, &rec, e);
	if (r < 0)
		return r;
	r = client_call(c, "Run", parameters_for(device, command, o), &reply, &procs, e);
	if (r < 0)
		return r;
	if (o->dump)
		r = recorder_start(&rec, client_text(json_object_get(reply, "run")), e);
	/* Without a descriptor the agent has moved us. */
	if (r >= 0 && procs >= 0 && write(procs, "0", 1) < 0)
		r = usn_fail_errno(e, errno, "cannot enter the run's cgroup");
	if (r >= 0)
		use_name_servers(json_object_get(reply, "dns"));
	json_decref(reply);
	return r;
}

static int prepare(int argc, char **argv, struct usn_err *e)
{
	_cleanup_free_ const char **unset = calloc((size_t)argc, sizeof(*unset));
	struct options o = { .unset = unset, .except = json_array() };
	const char *device = NULL;
	int r;

	if (!unset)
		return usn_fail(e, ENOMEM, "out of memory");
	r = parse_options(argc, argv, &o, e);
	if (r >= 0)
		r = set_environment(argc, argv, &o, e);
	if (r >= 0)
		r = wanted_device(&device, e);
	if (r >= 0 && o.dir && chdir(o.dir) < 0)
		r = usn_fail_errno(e, errno, "cannot change to '%s'", o.dir);
	if (r >= 0)
		r = enter_run(device, argv[optind], &o, e);
	json_decref(o.except);
	free(o.dump);
	return r;
}

int main(int argc, char **argv)
{
	struct usn_err e;
	int error;

	ensure_stdio();
	if (prepare(argc, argv, &e) < 0) {
		fprintf(stderr, "usn-run: %s\n", e.text);
		return EXIT_OURS;
	}
	execvp(argv[optind], argv + optind);
	error = errno;
	usn_fail_errno(&e, error, "cannot run '%.200s'", argv[optind]);
	fprintf(stderr, "usn-run: %s\n", e.text);
	return error == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN;
}
