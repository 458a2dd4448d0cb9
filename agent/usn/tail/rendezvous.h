/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where usn dump meets the recorder of a device: the socket usn/record/DEVICE.sock, root's below
 * /run, another user's below XDG_RUNTIME_DIR. Both are of one user. The request is one message with
 * the descriptor to write to; the answer is one message, too.
 *
 * A recorder holds DEVICE.lock as long as it lives, so that what a killed one has left is known.
 */
#ifndef USN_RENDEZVOUS_H
#define USN_RENDEZVOUS_H

#include <stddef.h>
#include <stdint.h>

#include "usn/tail/snapshot.h"

struct place;

struct rendezvous {
	int epoll_fd; /* readable when somebody is there; -1: no places */
	struct place *places;
	size_t n;
};

struct rendezvous_answer {
	int32_t code; /* 0, or a positive errno: then text says why */
	uint32_t reserved;
	struct snapshot snapshot;
	char text[400];
};

/* The recorder's side, one place for each device. -EBUSY: there is another recorder. */
int rendezvous_open(struct rendezvous *v, char *const *devices, size_t n, struct usn_err *e);

/* Takes the places away. */
void rendezvous_close(struct rendezvous *v);

/* In a child: the places stay the parent's. */
void rendezvous_leave(struct rendezvous *v);

/* A connection, or -errno; -EAGAIN: nobody is there (any more). */
int rendezvous_accept(const struct rendezvous *v);

/* Waits for the descriptor of the request. */
int rendezvous_receive(int fd, int *ret_out, struct usn_err *e);
int rendezvous_reply(int fd, const struct rendezvous_answer *a);

/* The other side. -ENOENT: nobody records the device. */
int rendezvous_connect(const char *device, int *ret_fd, struct usn_err *e);
int rendezvous_ask(int fd, int out, struct rendezvous_answer *ret, struct usn_err *e);

#endif
