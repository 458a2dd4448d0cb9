/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What usn tail and usn record have in common: a tap on devices that come and go, whose packets are
 * read until a signal comes or there are enough.
 */
#ifndef USN_TAIL_LOOP_H
#define USN_TAIL_LOOP_H

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <usn.h>

#include "usn/tail/devices.h"
#include "usn/tail/options.h"

/* It is over, and nothing has failed: a signal asked for the end, or there are enough packets. */
#define ENOUGH (-ECANCELED)

struct capture;

/* Something to wait for. */
struct capture_watch {
	/* Asked before each wait, as it may be another one by then. -1: there is nothing now. */
	int (*fd)(const struct capture *c);
	/* Of poll(2), also POLLERR and POLLHUP. */
	short events;
	/* 0: go on. ENOUGH or another -errno: the capture ends. */
	int (*ready)(struct capture *c);
};

#define CAPTURE_WATCHES 2

/* What the verbs differ in. */
struct capture_kind {
	const char *verb; /* "tail" */
	/* Whatever woke it: takes the packets that are there. Returns as a watch does. */
	int (*read)(struct capture *c);
	/* At SIGUSR1, of a verb that watches for it. Returns as a watch does. */
	int (*report)(struct capture *c);
	/* Beside the tap, signals and interfaces. A row without fd is empty. */
	struct capture_watch watches[CAPTURE_WATCHES];
};

/* The first member of each verb's own structure. */
struct capture {
	const struct capture_kind *kind;
	struct tail_options options;
	struct usn_tap *tap;
	struct tail_devices devices;
	bool outlives_devices; /* it goes on when the last one that was named is gone */
	int signal_fd;
	struct usn_err *e;
};

/* All that is needed for capture_close() to be right. */
void capture_init(struct capture *c, const struct capture_kind *kind, struct usn_err *e);
void capture_close(struct capture *c);

/* Signals of the set are read from now on by the loop: SIGUSR1 asks to report, others to end. */
int capture_watch_signals(struct capture *c, const sigset_t *set);

/* A tap on no device yet: one's own, or, if one is not root, a tap of the agent's. */
int capture_open_tap(struct capture *c);

/* The devices of the options. sink: is told of each; NULL: there is none. */
int capture_open_devices(struct capture *c, struct sink *sink);

/*
 * Until a function of the kind says so. ENOUGH; -ENODEV: all devices are gone; or another -errno.
 */
int capture_loop(struct capture *c);

#endif
