// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* usn dump: what a recorder has in memory, as a file. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/parse.h"
#include "usn/tail/rendezvous.h"
#include "usn/verb.h"

static const char details[] =
	"  -w, --write=FILE  write pcapng with nanoseconds to FILE; - is the standard output\n"
	"\n"
	"Writes the packets that usn record has in memory, and lets it go on. May be done again\n"
	"and again. Tells how many there were, how many had been forgotten before, and how many\n"
	"the recorder has lost because it did not keep up.\n"
	"\n"
	"  usn dump -w /tmp/usn0.pcapng usn0";

static int parse(int argc, char **argv, const char **ret_file, const char **ret_device,
		 struct usn_err *e)
{
	static const struct option longs[] = { { "write", required_argument, NULL, 'w' }, { 0 } };
	const char *file = NULL;
	uint32_t number;
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "w:", longs, NULL)) != -1) {
		if (c != 'w')
			return bad_option(argv, e);
		file = optarg;
	}
	if (optind == argc)
		return usage_error(e, "which device?");
	if (optind + 1 < argc)
		return usage_error(e, "one device at a time, not '%.40s', too", argv[optind + 1]);
	if (!file || !*file)
		return usage_error(e, "where to? Give -w FILE");
	*ret_file = file;
	*ret_device = argv[optind];
	return parse_device(argv[optind], &number, e);
}

/* By the caller, with the caller's rights and in the caller's view of the files. */
static int open_output(const char *file, int *ret, struct usn_err *e)
{
	if (!strcmp(file, "-") && isatty(STDOUT_FILENO))
		return usn_fail(e, EINVAL, "pcapng is not for a terminal: give -w FILE, or a pipe");
	*ret = strcmp(file, "-") ? open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640)
				 : fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	return *ret < 0 ? usn_fail_errno(e, errno, "cannot open %s", file) : 0;
}

static void remove_output(const char *file, int fd)
{
	struct stat st;

	if (strcmp(file, "-") && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		unlink(file);
}

static int fetch(int recorder, int out, const char *file, struct snapshot *ret, struct usn_err *e)
{
	struct rendezvous_answer a;
	int r = rendezvous_ask(recorder, out, &a, e);

	if (r < 0)
		return r;
	if (a.code)
		return usn_fail(e, a.code > 0 ? a.code : EIO, "cannot write %.100s: %s", file,
				a.text);
	if (!a.snapshot.packets)
		return usn_fail(e, ENODATA, "there are no packets in the recorder's memory");
	*ret = a.snapshot;
	return 0;
}

static int run(int argc, char **argv, struct usn_err *e)
{
	_cleanup_close_ int recorder = -1, out = -1;
	char text[SNAPSHOT_TEXT_SIZE];
	const char *file = "", *device = "";
	struct snapshot s;
	int r;

	r = parse(argc, argv, &file, &device, e);
	/* A file that exists is not overwritten before there is something to write. */
	if (r >= 0)
		r = rendezvous_connect(device, &recorder, e);
	if (r >= 0)
		r = open_output(file, &out, e);
	if (r < 0)
		return r;
	r = fetch(recorder, out, file, &s, e);
	if (r < 0) {
		remove_output(file, out);
		return r;
	}
	fprintf(stderr, "%s\n", snapshot_text(&s, text));
	return 0;
}

const struct verb verb_dump = {
	.name = "dump",
	.arguments = "-w FILE DEVICE",
	.summary = "write what a recorder has",
	.details = details,
	.run = run,
};
