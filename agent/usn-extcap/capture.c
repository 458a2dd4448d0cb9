// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* usn tail with Wireshark at the other end. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "usn-extcap/capture.h"
#include "usn-extcap/interface.h"
#include "usn-extcap/options.h"
#include "usn/verb.h"

static const char *const tail_options[N_SETTINGS] = {
	[SET_SNAPLEN] = "-s", [SET_DIRECTION] = "-Q", [SET_PID] = "-p",       [SET_COMM] = "-n",
	[SET_RUN] = "-r",     [SET_RING] = "-B",      [SET_IMMEDIATE] = "-i",
};

/* The words of the command line, NULL after them. argv: room for all of them. */
static int tail_words(const struct extcap_options *o, const char **argv)
{
	int i, n = 0;

	argv[n++] = "tail";
	argv[n++] = "-w";
	argv[n++] = o->fifo;
	for (i = 0; i < N_SETTINGS; i++) {
		if (!o->set[i])
			continue;
		argv[n++] = tail_options[i];
		if (*o->set[i])
			argv[n++] = o->set[i];
	}
	argv[n++] = "--";
	argv[n++] = interface_device(o->interface);
	if (o->filter && *o->filter)
		argv[n++] = o->filter;
	argv[n] = NULL;
	return n;
}

/*
 * What usn tail tells on the way is for a terminal, and Wireshark shows all of standard error as an
 * error. The reason of a failure comes in e, and is for the caller to print when this is over.
 */
static int silently(int argc, char **argv, struct usn_err *e)
{
	_cleanup_close_ int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	_cleanup_close_ int saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	int r;

	if (null < 0 || saved < 0 || dup2(null, STDERR_FILENO) < 0)
		return usn_fail_errno(e, errno, "cannot put standard error aside");
	/* Another command line than the one it has just read. */
	optind = 0;
	r = verb_tail.run(argc, argv, e);
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	return r;
}

int capture_run(const struct extcap_options *o, struct usn_err *e)
{
	const char *argv[2 * N_SETTINGS + 8];
	int argc = tail_words(o, argv);
	/* getopt_long(3) may change the order, not the words. */
	int r = silently(argc, (char **)argv, e);

	/* This is how Wireshark ends a capture. */
	return r == -EPIPE ? 0 : r;
}
