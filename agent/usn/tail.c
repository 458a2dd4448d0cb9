// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* usn tail: shows or writes the packets of a device as they pass. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/parse.h"
#include "lib/clock.h"
#include "lib/tap.h"
#include "usn/sink.h"
#include "usn/verb.h"

/* What tap_read() returns when the wanted number of packets is reached. */
#define ENOUGH (-ECANCELED)

struct tail {
	const char *device;
	uint32_t ifindex;
	uint64_t wanted;  /* packets; 0: until interrupted */
	const char *file; /* -w, NULL: text or JSON */
	bool as_json;
	struct tap_options tap_options;
	struct tap *tap;
	struct sink *sink;
	int64_t real_offset; /* of this batch */
	uint64_t seen;
	int signal_fd;
	struct usn_err *e;
};

static int parse_options(int argc, char **argv, struct tail *t, struct usn_err *e)
{
	static const struct option longs[] = { { "count", required_argument, NULL, 'c' },
					       { "write", required_argument, NULL, 'w' },
					       { "json", no_argument, NULL, 'j' },
					       { "snaplen", required_argument, NULL, 's' },
					       { 0 } };
	uint32_t number, count;
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "c:w:js:", longs, NULL)) != -1) {
		switch (c) {
		case 'c':
			if (parse_u32(optarg, 1, UINT32_MAX, &count) < 0)
				return usage_error(e, "-c '%s' is not a number of packets", optarg);
			t->wanted = count;
			break;
		case 'w':
			t->file = optarg;
			break;
		case 'j':
			t->as_json = true;
			break;
		case 's':
			if (parse_u32(optarg, 1, TAP_SNAPLEN_DEFAULT, &t->tap_options.snaplen) < 0)
				return usage_error(e,
						   "-s '%s' is not a number of bytes from 1 to %u",
						   optarg, TAP_SNAPLEN_DEFAULT);
			break;
		default:
			return bad_option(argv, e);
		}
	}
	if (optind != argc - 1)
		return usage_error(e, optind == argc ? "which device?" : "one device at a time");
	if (t->as_json && t->file)
		return usage_error(e, "--json and -w exclude each other");
	t->device = argv[optind];
	return parse_device(t->device, &number, e);
}

static int show(void *arg, const struct usn_record *rec)
{
	struct tail *t = arg;
	int r = sink_packet(t->sink, rec, rec->mono_ns + (uint64_t)t->real_offset, t->e);

	if (r < 0)
		return r;
	t->seen++;
	return t->wanted && t->seen == t->wanted ? ENOUGH : 0;
}

/* One batch. 0, ENOUGH, or another -errno. */
static int read_batch(struct tail *t)
{
	int r, flushed;

	t->real_offset = clock_real_offset();
	r = tap_read(t->tap, show, t);
	if (r == 0)
		return 0;
	flushed = sink_flush(t->sink, t->e);
	if (flushed < 0)
		return flushed;
	return r < 0 ? r : 0;
}

static bool device_exists(const struct tail *t)
{
	char name[IF_NAMESIZE];

	return if_indextoname(t->ifindex, name);
}

static int follow(struct tail *t)
{
	struct pollfd p[] = { { .fd = tap_fd(t->tap), .events = POLLIN },
			      { .fd = t->signal_fd, .events = POLLIN } };
	int r = 0;

	while (r == 0) {
		int n = poll(p, ARRAY_SIZE(p), TAP_POLL_MS);

		if (n < 0 && errno != EINTR)
			return usn_fail_errno(t->e, errno, "cannot wait for packets");
		if (n > 0 && p[1].revents)
			break;
		r = read_batch(t);
		if (r == 0 && n == 0 && !device_exists(t))
			return usn_fail(t->e, ENODEV, "%s was removed", t->device);
	}
	return r;
}

/* What was captured until the end, but not read yet. */
static int drain(struct tail *t)
{
	int r;

	tap_stop(t->tap);
	if (t->wanted && t->seen == t->wanted)
		return 0;
	r = read_batch(t);
	return r == ENOUGH ? 0 : r;
}

static int open_signals(struct tail *t, struct usn_err *e)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	/* A reader that has gone is an error to report, and to count from. */
	if (t->file)
		signal(SIGPIPE, SIG_IGN);
	t->signal_fd = signalfd(-1, &set, SFD_CLOEXEC);
	return t->signal_fd < 0 ? usn_fail_errno(e, errno, "cannot watch for signals") : 0;
}

static int tail_open(struct tail *t, struct usn_err *e)
{
	int r;

	t->ifindex = if_nametoindex(t->device);
	if (!t->ifindex)
		return usn_fail(e, ENODEV, "the device %s is not up: usn up %s", t->device,
				t->device);
	r = open_signals(t, e);
	if (r >= 0)
		r = tap_open(t->ifindex, &t->tap_options, &t->tap, e);
	if (r >= 0)
		r = sink_open(t->file, t->as_json, t->device, t->tap_options.snaplen, &t->sink, e);
	return r;
}

/* Whatever ended it, what was captured is shown; the first thing that went wrong is what is told. */
static int capture(struct tail *t)
{
	struct usn_err *first = t->e, later;
	int r;

	fprintf(stderr, "usn tail: listening on %s, snapshot length %u bytes\n", t->device,
		t->tap_options.snaplen);
	r = follow(t);
	if (r == -ENODEV) {
		t->e = &later;
		if (drain(t) >= 0)
			sink_close(t->sink, t->seen, tap_lost(t->tap), &later);
		t->e = first;
		return r;
	}
	if (r == 0 || r == ENOUGH)
		r = drain(t);
	return r < 0 ? r : sink_close(t->sink, t->seen, tap_lost(t->tap), t->e);
}

static int run(int argc, char **argv, struct usn_err *e)
{
	struct tail t = { .tap_options = { TAP_SNAPLEN_DEFAULT, TAP_RING_DEFAULT },
			  .signal_fd = -1,
			  .e = e };
	int r;

	r = parse_options(argc, argv, &t, e);
	if (r >= 0)
		r = tail_open(&t, e);
	if (r >= 0) {
		r = capture(&t);
		fprintf(stderr, "%" PRIu64 " packets seen, %" PRIu64 " lost\n", t.seen,
			tap_lost(t.tap));
	}
	sink_free(t.sink);
	tap_free(t.tap);
	close_fd(t.signal_fd);
	return r;
}

const struct verb verb_tail = {
	"tail", "[OPTION]... DEVICE", "show packets as they pass",
	"  -c, --count=N      end after N packets\n"
	"  -w, --write=FILE   write pcapng with nanoseconds to FILE; - is the standard output\n"
	"  -j, --json         one object a line\n"
	"  -s, --snaplen=N    keep the first N bytes of a packet, 65535\n"
	"\n"
	"Ends at Ctrl-C, and tells how many packets were seen and how many were lost because\n"
	"this program did not keep up.\n"
	"\n"
	"  usn tail usn0\n"
	"  usn tail -w - usn0 | tshark -r -",
	run
};
