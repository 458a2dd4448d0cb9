/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A tap: the packets of one device, in a ring buffer of the subscriber's own. The kernel takes programs,
 * links and ring away when the process ends, however it ends; the agent has no part in the stream.
 */
#ifndef USN_TAP_H
#define USN_TAP_H

#include <stddef.h>
#include <stdint.h>
#include <usn/abi.h>

struct tap;
struct usn_err;

struct tap_options {
	uint32_t snaplen;    /* bytes kept of a packet, 1 to 65535 */
	uint32_t ring_bytes; /* a power of two, of at least a page */
};

#define TAP_SNAPLEN_DEFAULT 65535
#define TAP_RING_DEFAULT (8u << 20)

/* A descriptor that polls readable when much is unread: read every TAP_POLL_MS besides. */
#define TAP_POLL_MS 40

/*
 * Opens a tap on the interface. Needs root, and the maps of an agent in bpffs.
 * -ENODEV: no such interface; -ENOENT: no agent was ever started.
 */
int tap_open(uint32_t ifindex, const struct tap_options *o, struct tap **ret, struct usn_err *e);
struct tap *tap_free(struct tap *t);

static inline void tap_freep(struct tap **t)
{
	tap_free(*t);
}

int tap_fd(const struct tap *t);

/*
 * Hands each unread record to f, oldest first; the record is f's until it returns. f returns 0 to go on,
 * or a negative value to stop, which is then returned. Otherwise the number of records.
 */
int tap_read(struct tap *t, int (*f)(void *arg, const struct usn_record *rec), void *arg);

/* Captures no more; what is in the ring can still be read. */
void tap_stop(struct tap *t);

/* Packets lost so far because the ring was full. */
uint64_t tap_lost(const struct tap *t);

#endif
