// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* usn tail: shows or writes the packets of devices as they pass. */
#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "capture/sink.h"
#include "usn/tail/loop.h"
#include "usn/verb.h"

struct tail {
	struct capture capture;
	struct sink *sink;
	uint64_t seen;
};

/* How many packets more are wanted. */
static uint64_t left(const struct tail *t)
{
	return t->capture.options.wanted ? t->capture.options.wanted - t->seen : UINT64_MAX;
}

/* All that is in the ring now. What it calls for each packet is put into the loop. */
__attribute__((flatten)) static int read_batch(struct tail *t)
{
	struct usn_tap *tap = t->capture.tap;
	uint64_t most = left(t), n = 0;
	const struct usn_record *rec;
	int r = 0;

	while (n < most && (rec = usn_tap_next(tap))) {
		r = sink_packet(t->sink, rec, usn_tap_real_ns(tap, rec->mono_ns), t->capture.e);
		if (r < 0)
			break;
		n++;
	}
	t->seen += n;
	if (r >= 0 && n)
		r = sink_flush(t->sink, t->capture.e);
	return r < 0 ? r : n == most ? ENOUGH : 0;
}

static int tail_read(struct capture *c)
{
	return read_batch((struct tail *)c);
}

static uint64_t lost(const struct tail *t, uint32_t ifindex)
{
	struct usn_tap_stats s;

	usn_tap_stats(t->capture.tap, ifindex, &s);
	return s.lost;
}

static int put_statistics(struct tail *t)
{
	size_t i;
	int r = 0;

	for (i = 0; r >= 0 && i < t->capture.devices.n; i++) {
		uint32_t ifindex = t->capture.devices.list[i].ifindex;

		r = sink_statistics(t->sink, ifindex, lost(t, ifindex), t->capture.e);
	}
	return r < 0 ? r : sink_flush(t->sink, t->capture.e);
}

static void say_counts(const struct tail *t)
{
	fprintf(stderr, "%" PRIu64 " packets seen, %" PRIu64 " lost\n", t->seen, lost(t, 0));
}

static int tail_report(struct capture *c)
{
	struct tail *t = (struct tail *)c;

	say_counts(t);
	return put_statistics(t);
}

static int output_fd(const struct capture *c)
{
	return sink_fd(((const struct tail *)c)->sink);
}

static int output_lost(struct capture *c)
{
	return usn_fail_errno(c->e, EPIPE, "cannot write to %s", c->options.sink.file);
}

static const struct capture_kind tail_kind = {
	.verb = "tail",
	.read = tail_read,
	.report = tail_report,
	/* A pipe tells that its reader has gone, also when there is nothing to write. */
	.watches = { { output_fd, POLLERR, output_lost } },
};

/* What was captured until the end, but not read yet. */
static int drain(struct tail *t)
{
	int r;

	usn_tap_remove(t->capture.tap, 0);
	if (t->capture.options.wanted && t->seen == t->capture.options.wanted)
		return 0;
	r = read_batch(t);
	return r == ENOUGH ? 0 : r;
}

static int put_end(struct tail *t)
{
	int r = drain(t);

	return r < 0 ? r : put_statistics(t);
}

static int open_signals(struct tail *t)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGUSR1);
	/* A reader that has gone is an error to report, and to count from. */
	if (t->capture.options.sink.file)
		signal(SIGPIPE, SIG_IGN);
	return capture_watch_signals(&t->capture, &set);
}

/*
 * A file that exists is not overwritten before it is certain that there is
 * something to capture from.
 */
static int check_devices(const struct tail_options *o, struct usn_err *e)
{
	int i;

	for (i = 0; i < o->n_devices; i++) {
		if (!if_nametoindex(o->devices[i]))
			return usn_fail(e, ENODEV, "the device %s is not up: usn up %s",
					o->devices[i], o->devices[i]);
	}
	return 0;
}

static int tail_open(struct tail *t)
{
	struct capture *c = &t->capture;
	int r = check_devices(&c->options, c->e);

	if (r >= 0)
		r = open_signals(t);
	if (r >= 0)
		r = capture_open_tap(c);
	if (r >= 0)
		r = sink_open(&c->options.sink, &t->sink, c->e);
	if (r >= 0)
		r = capture_open_devices(c, t->sink);
	/* The header is out at once, so that a pipe's reader can start. */
	return r < 0 ? r : sink_flush(t->sink, c->e);
}

static void say_listening(const struct tail *t)
{
	size_t i;

	fputs("usn tail: listening on ", stderr);
	for (i = 0; i < t->capture.devices.n; i++)
		fprintf(stderr, "%s%s", i ? ", " : "", t->capture.devices.list[i].name);
	fprintf(stderr, "%s, snapshot length %u bytes\n",
		t->capture.devices.all ? (t->capture.devices.n ? " and all to come" : "all to come")
				       : "",
		t->capture.options.tap.snaplen);
}

/*
 * Whatever ended it, what was captured is shown; the first thing that went wrong is what is told.
 */
static int capture(struct tail *t)
{
	struct usn_err *first = t->capture.e, later;
	int r, rest;

	say_listening(t);
	r = capture_loop(&t->capture);
	if (r != -ENODEV && r != ENOUGH)
		return r;
	if (r == -ENODEV)
		t->capture.e = &later;
	rest = put_end(t);
	t->capture.e = first;
	return r == -ENODEV ? r : rest;
}

static int run(int argc, char **argv, struct usn_err *e)
{
	struct tail t = { 0 };
	int r;

	capture_init(&t.capture, &tail_kind, e);
	r = tail_options_parse(argc, argv, OPTIONS_OF_TAIL, &t.capture.options, e);
	if (r >= 0)
		r = tail_open(&t);
	if (r >= 0) {
		r = capture(&t);
		say_counts(&t);
	}
	sink_free(t.sink);
	capture_close(&t.capture);
	return r;
}

static void print_options(FILE *f)
{
	tail_options_print(f, OPTIONS_OF_TAIL);
}

static const char details[] =
	"What follows the devices is a filter, an expression of pcap-filter(7) that is evaluated\n"
	"in the kernel. \"all\" is every device there is, also those that come up later.\n"
	"Ends at Ctrl-C, and tells how many packets were seen and how many were lost because\n"
	"this program did not keep up; at SIGUSR1 it tells so and goes on.\n"
	"\n"
	"  usn tail usn0\n"
	"  usn tail usn0 usn1 tcp port 80\n"
	"  usn tail -w - usn0 | tshark -r -";

const struct verb verb_tail = {
	.name = "tail",
	.arguments = "[OPTION]... {DEVICE... | all} [FILTER]",
	.summary = "show packets as they pass",
	.details = details,
	.run = run,
	.print_options = print_options,
};
