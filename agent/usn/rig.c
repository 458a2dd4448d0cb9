// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* usn rig: becomes the program behind a device. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/parse.h"
#include "client/client.h"
#include "usn/verb.h"

#define QUEUE_FD 3

static int parse_words(int argc, char **argv, const char **ret_device, struct usn_err *e)
{
	static const struct option none[] = { { 0 } };
	uint32_t number;

	opterr = 0;
	if (getopt_long(argc, argv, "+", none, NULL) != -1)
		return bad_option(argv, e);
	if (optind == argc)
		return usage_error(e, "which device?");
	if (parse_device(argv[optind], &number, e) < 0)
		return -EINVAL;
	*ret_device = argv[optind++];
	if (optind < argc && !strcmp(argv[optind], "--"))
		optind++;
	return optind < argc ? 0 : usage_error(e, "which command?");
}

/* Puts the queue where the rig looks for it. Descriptor 3 may be the caller's: it is replaced. */
static int place(int queue, struct usn_err *e)
{
	if (queue == QUEUE_FD) {
		if (fcntl(queue, F_SETFD, 0) < 0)
			return usn_fail_errno(e, errno, "descriptor %d", QUEUE_FD);
		return 0;
	}
	if (dup2(queue, QUEUE_FD) < 0)
		return usn_fail_errno(e, errno, "descriptor %d", QUEUE_FD);
	close(queue);
	return 0;
}

static int run(int argc, char **argv, struct usn_err *e)
{
	struct client *c = NULL;
	const char *device = NULL;
	json_t *reply = NULL;
	int queue = -1, r;

	r = parse_words(argc, argv, &device, e);
	if (r < 0)
		return r;
	r = client_open(&c, e);
	if (r >= 0)
		r = client_call(c, "Rig", json_pack("{s:s}", "device", device), &reply, &queue, e);
	client_free(c);
	if (r < 0)
		return r;
	json_decref(reply);
	setenv("USN_FD", "3", 1);
	setenv("USN_DEVICE", device, 1);
	r = place(queue, e);
	if (r < 0)
		return r;
	execvp(argv[optind], argv + optind);
	r = errno;
	/* As env(1) has it; the agent sees this process end and the peer is back. */
	usn_fail_errno(e, r, "cannot run '%.200s'", argv[optind]);
	fprintf(stderr, "usn rig: %s\n", e->text);
	exit(r == ENOENT ? 127 : 126);
}

static const char details[] =
	"COMMAND gets the device's packets from descriptor 3 and writes its own there: one read\n"
	"or write is one IP packet. USN_FD=3 and USN_DEVICE are in its environment. While it\n"
	"lives it takes the place of Peer=. Its exit status is that of COMMAND; 126 and 127:\n"
	"COMMAND could not be run, was not found.\n"
	"\n"
	"  usn rig usn0 -- ./my_network";

const struct verb verb_rig = {
	.name = "rig",
	.arguments = "DEVICE [--] COMMAND [ARGUMENT]...",
	.summary = "be the network behind a device",
	.details = details,
	.run = run,
};
