// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * usn record: keeps the newest packets of devices in memory. What is there is written by a child that has the memory as it
 * was when it was asked for, so that a slow disk costs no packets: for usn dump, or at the end if a process has failed.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/pidfd.h"
#include "capture/history.h"
#include "tap/tap.h"
#include "usn/tail/devices.h"
#include "usn/tail/options.h"
#include "usn/tail/rendezvous.h"
#include "usn/tail/snapshot.h"
#include "usn/verb.h"

/* What following returns when it is over without a fault. */
#define ENOUGH (-ECANCELED)

struct record {
	struct tail_options options;
	struct usn_tap *tap;
	struct tail_devices devices;
	struct history history;
	struct rendezvous rendezvous;
	int signal_fd;
	int watched; /* whether the process of options.failure_fd is one to wait for */
	struct usn_err *e;
};

/* What has passed until now. With more coming all the time there would be no end to it. */
static void read_all(struct record *c)
{
	uint64_t now = clock_mono_ns();
	const struct usn_record *rec;

	while ((rec = usn_tap_next(c->tap))) {
		history_put(&c->history, rec, usn_tap_real_ns(c->tap, rec->mono_ns));
		if (rec->mono_ns > now)
			break;
	}
	history_age(&c->history, now);
}

/* In a child, whose standard output is nobody's. */
static int write_to(struct record *c, int out, struct snapshot *ret, struct usn_err *e)
{
	struct sink_options o = c->options.sink;
	int r;

	o.file = "-";
	if (dup2(out, STDOUT_FILENO) < 0)
		return usn_fail_errno(e, errno, "dup");
	r = snapshot_write(&c->history, &c->devices, c->tap, &o, ret, e);
	/* Whose output it is does the asking side know, and what became of it is its own matter. */
	return r < 0 ? usn_fail(e, -r, "%s", strerror(-r)) : 0;
}

static _Noreturn void answer(struct record *c, int client)
{
	struct rendezvous_answer a = { 0 };
	struct usn_err e;
	int out = -1, r;

	rendezvous_leave(&c->rendezvous);
	r = rendezvous_receive(client, &out, &e);
	if (r >= 0)
		r = write_to(c, out, &a.snapshot, &e);
	if (r < 0) {
		a.code = -r;
		snprintf(a.text, sizeof(a.text), "%s", e.text);
	}
	_exit(rendezvous_reply(client, &a) < 0);
}

static void serve(struct record *c)
{
	_cleanup_close_ int client = rendezvous_accept(&c->rendezvous);
	struct rendezvous_answer a = { 0 };
	pid_t pid;

	if (client < 0)
		return;
	pid = fork();
	if (!pid)
		answer(c, client);
	if (pid > 0)
		return;
	a.code = errno;
	snprintf(a.text, sizeof(a.text), "the recorder cannot fork: %s", strerror(errno));
	rendezvous_reply(client, &a);
}

static const char *end_text(int status, char buf[32])
{
	if (WIFSIGNALED(status))
		snprintf(buf, 32, "died of signal %d", WTERMSIG(status));
	else
		snprintf(buf, 32, "ended with status %d", WEXITSTATUS(status));
	return buf;
}

/* The process that was watched has ended: ENOUGH, or why its packets cannot be written. */
static int judge(struct record *c)
{
	char end[32], text[SNAPSHOT_TEXT_SIZE];
	struct snapshot s;
	int status, r;

	r = pidfd_status(c->options.failure_fd, &status);
	if (r < 0)
		return usn_fail_errno(c->e, -r, "cannot tell how the program ended");
	if (!status)
		return ENOUGH;
	usn_tap_remove(c->tap, 0);
	read_all(c);
	r = snapshot_write(&c->history, &c->devices, c->tap, &c->options.sink, &s, c->e);
	if (r < 0)
		return r;
	fprintf(stderr, "usn record: the program %s: %s has %s\n", end_text(status, end),
		c->options.sink.file, snapshot_text(&s, text));
	return ENOUGH;
}

static int follow_devices(struct record *c)
{
	int r = tail_devices_follow(&c->devices, c->tap, NULL, c->e);

	/* What there was is still there to be written. */
	return r == -ENODEV && c->watched ? 0 : r;
}

static int follow(struct record *c)
{
	struct pollfd p[] = { { .fd = usn_tap_fd(c->tap), .events = POLLIN },
			      { .fd = c->signal_fd, .events = POLLIN },
			      { .fd = c->devices.netlink_fd, .events = POLLIN },
			      { .fd = c->rendezvous.epoll_fd, .events = POLLIN },
			      /* POLLIN comes before the status can be asked for. */
			      { .fd = c->watched ? c->options.failure_fd : -1, .events = 0 } };
	int r = 0;

	while (r == 0) {
		int n = poll(p, ARRAY_SIZE(p), -1);

		if (n < 0 && errno != EINTR)
			return usn_fail_errno(c->e, errno, "cannot wait for packets");
		read_all(c);
		if (n > 0 && p[1].revents)
			return ENOUGH;
		if (n > 0 && p[2].revents)
			r = follow_devices(c);
		if (n > 0 && p[3].revents)
			serve(c);
		if (r == 0 && n > 0 && p[4].revents)
			r = judge(c);
	}
	return r;
}

static int open_signals(struct record *c, struct usn_err *e)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	if (c->watched) {
		/* The terminal's signals are the program's. */
		signal(SIGINT, SIG_IGN);
		signal(SIGHUP, SIG_IGN);
	} else {
		sigaddset(&set, SIGINT);
	}
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	/* Nobody waits for the children that write. */
	signal(SIGCHLD, SIG_IGN);
	c->signal_fd = signalfd(-1, &set, SFD_CLOEXEC);
	return c->signal_fd < 0 ? usn_fail_errno(e, errno, "cannot watch for signals") : 0;
}

static int record_open(struct record *c, struct usn_err *e)
{
	const struct tail_options *o = &c->options;
	int r;

	c->watched = o->sink.file != NULL;
	history_init(&c->history, o->last_bytes, o->last_ns);
	r = open_signals(c, e);
	if (r >= 0)
		r = usn_tap_open(NULL, &o->tap, &c->tap, e);
	if (r >= 0)
		r = tail_devices_open(&c->devices, o->devices, o->n_devices, c->tap, NULL, e);
	/* Runs come and go, several at once: theirs have no place to meet at. */
	if (r >= 0 && !c->watched)
		r = rendezvous_open(&c->rendezvous, o->devices, (size_t)o->n_devices, e);
	return r;
}

static void say_recording(const struct record *c)
{
	const struct tail_options *o = &c->options;
	size_t i;

	fputs("recording ", stderr);
	for (i = 0; i < c->devices.n; i++)
		fprintf(stderr, "%s%s", i ? ", " : "", c->devices.list[i].name);
	fputs(", the last ", stderr);
	if (o->last_ns)
		fprintf(stderr, "%" PRIu64 "s", o->last_ns / 1000000000);
	if (o->last_ns && o->last_given)
		fputs(" or ", stderr);
	if (!o->last_ns || o->last_given)
		fprintf(stderr, "%" PRIu64 "%s",
			o->last_bytes >> (o->last_bytes & 0xfffff ? 10 : 20),
			o->last_bytes & 0xfffff ? "K" : "M");
	fputc('\n', stderr);
}

/*
 * Who has started us for a run reads our standard error until we are attached or say what is wrong. Where the
 * errors of later belong is our standard output.
 */
static int leave_starter(struct usn_err *e)
{
	_cleanup_close_ int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || dup2(STDOUT_FILENO, STDERR_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
		return usn_fail_errno(e, errno, "cannot leave who has started us");
	return 0;
}

static int record(struct record *c)
{
	int r;

	say_recording(c);
	if (c->watched && leave_starter(c->e) < 0)
		return -EIO;
	r = follow(c);
	return r == ENOUGH ? 0 : r;
}

static int run(int argc, char **argv, struct usn_err *e)
{
	struct record c = { .signal_fd = -1,
			    .rendezvous = { .epoll_fd = -1 },
			    .devices = { .netlink_fd = -1, .registry_fd = -1 },
			    .e = e };
	int r;

	r = tail_options_parse(argc, argv, OPTIONS_OF_RECORD, &c.options, e);
	if (r >= 0)
		r = record_open(&c, e);
	if (r >= 0)
		r = record(&c);
	rendezvous_close(&c.rendezvous);
	tail_devices_close(&c.devices);
	usn_tap_close(c.tap);
	history_free(&c.history);
	close_fd(c.signal_fd);
	tail_options_free(&c.options);
	return r;
}

const struct verb verb_record = { "record", "[OPTION]... DEVICE... [FILTER]",
				  "keep the newest packets in memory", record_options_text, run };
