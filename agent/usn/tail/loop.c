// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The loop of usn tail and usn record. */
#include <poll.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "usn/tail/borrow.h"
#include "usn/tail/loop.h"

void capture_init(struct capture *c, const struct capture_kind *kind, struct usn_err *e)
{
	*c = (struct capture){
		.kind = kind, .devices = TAIL_DEVICES_NONE, .signal_fd = -1, .e = e
	};
}

void capture_close(struct capture *c)
{
	tail_devices_close(&c->devices);
	usn_tap_close(c->tap);
	close_fd(c->signal_fd);
	tail_options_free(&c->options);
}

int capture_watch_signals(struct capture *c, const sigset_t *set)
{
	sigprocmask(SIG_BLOCK, set, NULL);
	c->signal_fd = signalfd(-1, set, SFD_CLOEXEC);
	return c->signal_fd < 0 ? usn_fail_errno(c->e, errno, "cannot watch for signals") : 0;
}

int capture_open_tap(struct capture *c)
{
	const struct tail_options *o = &c->options;

	if (!geteuid())
		return usn_tap_open(NULL, &o->tap, &c->tap, c->e);
	if (!o->n_devices)
		return usn_fail(c->e, EPERM,
				"only root can follow all devices: name those you may use");
	return borrow_tap(o->devices, o->n_devices, &o->tap, &c->tap, c->e);
}

int capture_open_devices(struct capture *c, struct sink *sink)
{
	c->devices.verb = c->kind->verb;
	c->devices.tap = c->tap;
	c->devices.sink = sink;
	return tail_devices_open(&c->devices, c->options.devices, c->options.n_devices, c->e);
}

static int tap_fd(const struct capture *c)
{
	return usn_tap_fd(c->tap);
}

static int signal_fd(const struct capture *c)
{
	return c->signal_fd;
}

static int read_signal(struct capture *c)
{
	struct signalfd_siginfo info;

	if (read(c->signal_fd, &info, sizeof(info)) != sizeof(info))
		return 0;
	return info.ssi_signo == SIGUSR1 ? c->kind->report(c) : ENOUGH;
}

static int interfaces_fd(const struct capture *c)
{
	return c->devices.netlink_fd;
}

static int follow_devices(struct capture *c)
{
	int r = tail_devices_follow(&c->devices, c->e);

	return r == -ENODEV && c->outlives_devices ? 0 : r;
}

static int read_packets(struct capture *c)
{
	return c->kind->read(c);
}

/* Packets come first: what had passed when a signal came is part of the capture. */
enum { TAP, SIGNALS, INTERFACES, N_COMMON };
static const struct capture_watch common[N_COMMON] = {
	[TAP] = { tap_fd, POLLIN, read_packets },
	[SIGNALS] = { signal_fd, POLLIN, read_signal },
	[INTERFACES] = { interfaces_fd, POLLIN | POLLERR, follow_devices },
};

#define N_WATCHES (N_COMMON + CAPTURE_WATCHES)

static const struct capture_watch *watch(const struct capture *c, size_t i)
{
	return i < N_COMMON ? &common[i] : &c->kind->watches[i - N_COMMON];
}

static int wait_for_any(struct capture *c, struct pollfd p[N_WATCHES])
{
	size_t i;

	for (i = 0; i < N_WATCHES; i++) {
		const struct capture_watch *w = watch(c, i);

		p[i] = (struct pollfd){ .fd = w->fd ? w->fd(c) : -1, .events = w->events };
	}
	if (poll(p, N_WATCHES, -1) < 0 && errno != EINTR)
		return usn_fail_errno(c->e, errno, "cannot wait for packets");
	/* Whatever it was: there may be packets, too. */
	p[TAP].revents = POLLIN;
	return 0;
}

int capture_loop(struct capture *c)
{
	struct pollfd p[N_WATCHES];
	size_t i;
	int r = 0;

	while (r == 0) {
		r = wait_for_any(c, p);
		for (i = 0; r == 0 && i < N_WATCHES; i++) {
			if (p[i].revents & p[i].events)
				r = watch(c, i)->ready(c);
		}
	}
	return r;
}
