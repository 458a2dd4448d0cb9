// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* usn tail: shows or writes the packets of devices as they pass. */
#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "capture/sink.h"
#include "tap/tap.h"
#include "usn/tail/borrow.h"
#include "usn/tail/devices.h"
#include "usn/tail/options.h"
#include "usn/verb.h"

/* What reading returns when the wanted number of packets is reached, or a signal asks to end. */
#define ENOUGH (-ECANCELED)

struct tail {
	struct tail_options options;
	struct usn_tap *tap;
	struct sink *sink;
	struct tail_devices devices;
	uint64_t seen;
	int signal_fd;
	struct usn_err *e;
};

/* How many packets more are wanted. */
static uint64_t left(const struct tail *t)
{
	return t->options.wanted ? t->options.wanted - t->seen : UINT64_MAX;
}

/* All that is in the ring now. 0, ENOUGH, or another -errno. What it calls for each packet is put into the loop. */
__attribute__((flatten)) static int read_batch(struct tail *t)
{
	uint64_t most = left(t), n = 0;
	const struct usn_record *rec;
	int r = 0;

	while (n < most && (rec = usn_tap_next(t->tap))) {
		r = sink_packet(t->sink, rec, usn_tap_real_ns(t->tap, rec->mono_ns), t->e);
		if (r < 0)
			break;
		n++;
	}
	t->seen += n;
	if (r >= 0 && n)
		r = sink_flush(t->sink, t->e);
	return r < 0 ? r : n == most ? ENOUGH : 0;
}

static uint64_t lost(const struct tail *t, uint32_t ifindex)
{
	struct usn_tap_stats s;

	usn_tap_stats(t->tap, ifindex, &s);
	return s.lost;
}

static int put_statistics(struct tail *t)
{
	size_t i;
	int r = 0;

	for (i = 0; r >= 0 && i < t->devices.n; i++) {
		uint32_t ifindex = t->devices.list[i].ifindex;

		r = sink_statistics(t->sink, ifindex, lost(t, ifindex), t->e);
	}
	return r < 0 ? r : sink_flush(t->sink, t->e);
}

static void say_counts(const struct tail *t)
{
	fprintf(stderr, "%" PRIu64 " packets seen, %" PRIu64 " lost\n", t->seen, lost(t, 0));
}

/* SIGUSR1 asks for the counts so far, the others for the end. */
static int read_signal(struct tail *t)
{
	struct signalfd_siginfo info;

	if (read(t->signal_fd, &info, sizeof(info)) != sizeof(info))
		return 0;
	if (info.ssi_signo != SIGUSR1)
		return ENOUGH;
	say_counts(t);
	return put_statistics(t);
}

static int follow(struct tail *t)
{
	struct pollfd p[] = { { .fd = usn_tap_fd(t->tap), .events = POLLIN },
			      { .fd = t->signal_fd, .events = POLLIN },
			      { .fd = t->devices.netlink_fd, .events = POLLIN },
			      { .fd = -1 } };
	int r = 0;

	while (r == 0) {
		int n;

		/* Of a pipe it tells that the reader has gone, also when there is nothing to write. */
		p[3].fd = sink_fd(t->sink);
		n = poll(p, ARRAY_SIZE(p), -1);
		if (n < 0 && errno != EINTR)
			return usn_fail_errno(t->e, errno, "cannot wait for packets");
		r = read_batch(t);
		if (r == 0 && n > 0 && p[1].revents)
			r = read_signal(t);
		if (r == 0 && n > 0 && p[2].revents)
			r = tail_devices_follow(&t->devices, t->tap, t->sink, t->e);
		if (r == 0 && n > 0 && p[3].revents & POLLERR)
			r = usn_fail_errno(t->e, EPIPE, "cannot write to %s", t->options.sink.file);
	}
	return r;
}

/* What was captured until the end, but not read yet. */
static int drain(struct tail *t)
{
	int r;

	usn_tap_remove(t->tap, 0);
	if (t->options.wanted && t->seen == t->options.wanted)
		return 0;
	r = read_batch(t);
	return r == ENOUGH ? 0 : r;
}

static int put_end(struct tail *t)
{
	int r = drain(t);

	return r < 0 ? r : put_statistics(t);
}

static int open_signals(struct tail *t, struct usn_err *e)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	/* A reader that has gone is an error to report, and to count from. */
	if (t->options.sink.file)
		signal(SIGPIPE, SIG_IGN);
	t->signal_fd = signalfd(-1, &set, SFD_CLOEXEC);
	return t->signal_fd < 0 ? usn_fail_errno(e, errno, "cannot watch for signals") : 0;
}

/* A file that exists is not overwritten before it is certain that there is something to capture from. */
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

static int open_tap(struct tail *t, struct usn_err *e)
{
	const struct tail_options *o = &t->options;

	if (!geteuid())
		return usn_tap_open(NULL, &o->tap, &t->tap, e);
	if (!o->n_devices)
		return usn_fail(e, EPERM,
				"only root can follow all devices: name those you may use");
	return borrow_tap(o->devices, o->n_devices, &o->tap, &t->tap, e);
}

static int tail_open(struct tail *t, struct usn_err *e)
{
	int r = check_devices(&t->options, e);

	if (r >= 0)
		r = open_signals(t, e);
	if (r >= 0)
		r = open_tap(t, e);
	if (r >= 0)
		r = sink_open(&t->options.sink, &t->sink, e);
	if (r >= 0)
		r = tail_devices_open(&t->devices, t->options.devices, t->options.n_devices, t->tap,
				      t->sink, e);
	/* The header is out at once, so that a pipe's reader can start. */
	return r < 0 ? r : sink_flush(t->sink, e);
}

static void say_listening(const struct tail *t)
{
	size_t i;

	fputs("usn tail: listening on ", stderr);
	for (i = 0; i < t->devices.n; i++)
		fprintf(stderr, "%s%s", i ? ", " : "", t->devices.list[i].name);
	fprintf(stderr, "%s, snapshot length %u bytes\n",
		t->devices.all ? (t->devices.n ? " and all to come" : "all to come") : "",
		t->options.tap.snaplen);
}

/* Whatever ended it, what was captured is shown; the first thing that went wrong is what is told. */
static int capture(struct tail *t)
{
	struct usn_err *first = t->e, later;
	int r, rest;

	say_listening(t);
	r = follow(t);
	if (r != -ENODEV && r != ENOUGH)
		return r;
	if (r == -ENODEV)
		t->e = &later;
	rest = put_end(t);
	t->e = first;
	return r == -ENODEV ? r : rest;
}

static int run(int argc, char **argv, struct usn_err *e)
{
	struct tail t = { .signal_fd = -1,
			  .devices = { .netlink_fd = -1, .registry_fd = -1 },
			  .e = e };
	int r;

	r = tail_options_parse(argc, argv, OPTIONS_OF_TAIL, &t.options, e);
	if (r >= 0)
		r = tail_open(&t, e);
	if (r >= 0) {
		r = capture(&t);
		say_counts(&t);
	}
	sink_free(t.sink);
	tail_devices_close(&t.devices);
	usn_tap_close(t.tap);
	close_fd(t.signal_fd);
	tail_options_free(&t.options);
	return r;
}

const struct verb verb_tail = { "tail", "[OPTION]... {DEVICE... | all} [FILTER]",
				"show packets as they pass", tail_options_text, run };
