// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * usn record: keeps the newest packets of devices in memory.
 * What is there is written by a child that has the memory as it was when it was asked for,
 * so that a slow disk costs no packets: for usn dump, or at the end if a process has failed.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/pidfd.h"
#include "capture/history.h"
#include "usn/tail/loop.h"
#include "usn/tail/rendezvous.h"
#include "usn/tail/snapshot.h"
#include "usn/verb.h"

struct record {
	struct capture capture;
	struct history history;
	struct rendezvous rendezvous;
	bool watched; /* whether the process of options.failure_fd is one to wait for */
};

/* What has passed until now. With more coming all the time there would be no end to it. */
static void read_all(struct record *c)
{
	uint64_t now = clock_mono_ns();
	const struct usn_record *rec;

	while ((rec = usn_tap_next(c->capture.tap))) {
		history_put(&c->history, rec, usn_tap_real_ns(c->capture.tap, rec->mono_ns));
		if (rec->mono_ns > now)
			break;
	}
	history_age(&c->history, now);
}

/* In a child, whose standard output is nobody's. */
static int write_to(struct record *c, int out, struct snapshot *ret, struct usn_err *e)
{
	struct sink_options o = c->capture.options.sink;
	int r;

	o.file = "-";
	if (dup2(out, STDOUT_FILENO) < 0)
		return usn_fail_errno(e, errno, "cannot take over the descriptor of the dump");
	r = snapshot_write(&c->history, &c->capture.devices, c->capture.tap, &o, ret, e);
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

	r = pidfd_status(c->capture.options.failure_fd, &status);
	if (r < 0)
		return usn_fail_errno(c->capture.e, -r, "cannot tell how the program ended");
	if (!status)
		return ENOUGH;
	usn_tap_remove(c->capture.tap, 0);
	read_all(c);
	r = snapshot_write(&c->history, &c->capture.devices, c->capture.tap,
			   &c->capture.options.sink, &s, c->capture.e);
	if (r < 0)
		return r;
	fprintf(stderr, "usn record: the program %s: %s has %s\n", end_text(status, end),
		c->capture.options.sink.file, snapshot_text(&s, text));
	return ENOUGH;
}

static int record_read(struct capture *c)
{
	read_all((struct record *)c);
	return 0;
}

static int rendezvous_fd(const struct capture *c)
{
	return ((const struct record *)c)->rendezvous.epoll_fd;
}

static int record_serve(struct capture *c)
{
	serve((struct record *)c);
	return 0;
}

static int program_fd(const struct capture *c)
{
	return ((const struct record *)c)->watched ? c->options.failure_fd : -1;
}

static int record_judge(struct capture *c)
{
	return judge((struct record *)c);
}

static const struct capture_kind record_kind = {
	.verb = "record",
	.read = record_read,
	.watches = { { rendezvous_fd, POLLIN, record_serve },
		     /* POLLIN comes before the status can be asked for. */
		     { program_fd, POLLHUP, record_judge } },
};

static int open_signals(struct record *c)
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
	signal(SIGPIPE, SIG_IGN);
	/* Nobody waits for the children that write. */
	signal(SIGCHLD, SIG_IGN);
	return capture_watch_signals(&c->capture, &set);
}

static int record_open(struct record *c)
{
	const struct tail_options *o = &c->capture.options;
	int r;

	/* What there was when the devices went can still be written, if the program fails. */
	c->watched = c->capture.outlives_devices = o->sink.file != NULL;
	history_init(&c->history, o->last_bytes, o->last_ns);
	r = open_signals(c);
	if (r >= 0)
		r = capture_open_tap(&c->capture);
	if (r >= 0)
		r = capture_open_devices(&c->capture, NULL);
	/* Runs come and go, several at once: theirs have no place to meet at. */
	if (r >= 0 && !c->watched)
		r = rendezvous_open(&c->rendezvous, o->devices, (size_t)o->n_devices, c->capture.e);
	return r;
}

static void say_recording(const struct record *c)
{
	const struct tail_options *o = &c->capture.options;
	size_t i;

	fputs("recording ", stderr);
	for (i = 0; i < c->capture.devices.n; i++)
		fprintf(stderr, "%s%s", i ? ", " : "", c->capture.devices.list[i].name);
	fputs(", the last ", stderr);
	if (o->last_ns)
		fprintf(stderr, "%" PRIu64 "s", (uint64_t)(o->last_ns / NS_PER_S));
	if (o->last_ns && o->last_given)
		fputs(" or ", stderr);
	if (!o->last_ns || o->last_given)
		fprintf(stderr, "%" PRIu64 "%s",
			o->last_bytes >> (o->last_bytes & 0xfffff ? 10 : 20),
			o->last_bytes & 0xfffff ? "K" : "M");
	fputc('\n', stderr);
}

/*
 * Who has started us for a run reads our standard error until we are attached or say what is wrong.
 * Where the errors of later belong is our standard output.
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
	if (c->watched && leave_starter(c->capture.e) < 0)
		return -EIO;
	r = capture_loop(&c->capture);
	return r == ENOUGH ? 0 : r;
}

static int run(int argc, char **argv, struct usn_err *e)
{
	struct record c = { .rendezvous = { .epoll_fd = -1 } };
	int r;

	capture_init(&c.capture, &record_kind, e);
	r = tail_options_parse(argc, argv, OPTIONS_OF_RECORD, &c.capture.options, e);
	if (r >= 0)
		r = record_open(&c);
	if (r >= 0)
		r = record(&c);
	rendezvous_close(&c.rendezvous);
	history_free(&c.history);
	capture_close(&c.capture);
	return r;
}

static void print_options(FILE *f)
{
	tail_options_print(f, OPTIONS_OF_RECORD);
}

static const char details[] =
	"What follows the devices is a filter, an expression of pcap-filter(7) that is evaluated\n"
	"in the kernel. No file is written before usn dump asks for one. Ends at Ctrl-C.\n"
	"\n"
	"  usn record --last 30s usn0 &\n"
	"  usn dump -w /tmp/usn0.pcapng usn0";

const struct verb verb_record = {
	.name = "record",
	.arguments = "[OPTION]... DEVICE... [FILTER]",
	.summary = "keep the newest packets in memory",
	.details = details,
	.run = run,
	.print_options = print_options,
};
