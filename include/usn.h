/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * libusn: the packets of usn's devices, each with the nanosecond that it passed and
 * the process it belongs to.
 *
 * A tap is a ring buffer and programs in the kernel that belong to this process alone:
 * the kernel takes them away when it ends, however it ends, and other taps are not disturbed.
 * Opening one needs root, and an agent that has been started. A tap is for one thread at a time.
 * Functions return 0 or -errno, and write why into *e (NULL: not wanted). See usn_tap(3).
 */
#ifndef USN_H
#define USN_H

#include <stddef.h>
#include <stdint.h>

#include <usn/abi.h>
#include <usn/err.h>

#ifdef __cplusplus
extern "C" {
#endif

struct usn_tap;

/* Zero is the default of each. */
struct usn_tap_options {
	size_t size;      /* sizeof(struct usn_tap_options), so that it can grow */
	uint32_t snaplen; /* bytes kept of a packet, 1 to 65535; 0: 65535 */
	/* 4096 to 1 GiB, rounded up to a power of two and two packets; 0: 8 MiB */
	uint32_t ring_bytes;
	uint32_t directions; /* USN_TAP_IN, USN_TAP_OUT; 0: both */
	uint32_t flags;      /* USN_TAP_IMMEDIATE */
	uint32_t pid;        /* packets of this process (thread group) only */
	uint32_t reserved;   /* 0 */
	const char *comm;    /* of processes of this command name only, up to 15 bytes */
	/*
	 * Of sockets made in this cgroup or below: a path in the v2 tree, or a run's name: "usn0-1"
	 */
	const char *cgroup;
	const char *filter; /* an expression of pcap-filter(7) that is evaluated in the kernel */
};

#define USN_TAP_IN 1
#define USN_TAP_OUT 2

/* Wake for each packet, instead of by the amount unread and at most USN_TAP_WAIT_MS later. */
#define USN_TAP_IMMEDIATE 1
#define USN_TAP_WAIT_MS 40

/*
 * Opens a tap on the device ("usn0"; NULL: on none yet). o may be NULL. -ENODEV: no such device;
 * -ENOENT: no agent was ever started; -EPERM: not root; -EINVAL: an option is wrong.
 */
int usn_tap_open(const char *device, const struct usn_tap_options *o, struct usn_tap **ret,
		 struct usn_err *e);

/* Detaches and frees; NULL is fine. What was not read is lost. */
void usn_tap_close(struct usn_tap *t);

/*
 * One more device, whose packets come in the same stream, in order of time.
 * -EEXIST: it is there already.
 */
int usn_tap_add(struct usn_tap *t, const char *device, struct usn_err *e);

/*
 * No more of a device's packets; what is in the ring can still be read. ifindex 0: of all devices.
 */
void usn_tap_remove(struct usn_tap *t, uint32_t ifindex);

/*
 * The next packet: a view into the ring, caplen bytes behind the record,
 * valid until the next call with this tap. NULL: there is none now.
 */
const struct usn_record *usn_tap_next(struct usn_tap *t);

/* Up to n of them at once; all are valid until the next call. Returns how many. */
size_t usn_tap_batch(struct usn_tap *t, const struct usn_record *views[], size_t n);

/*
 * Waits until it is worth to call usn_tap_next(), or timeout_ms has passed (-1: for ever).
 * 1: there are packets, 0: there are none. -EINTR: a signal came.
 */
int usn_tap_wait(struct usn_tap *t, int timeout_ms);

/*
 * A descriptor for poll(2) that is readable when it is time to look:
 * at most USN_TAP_WAIT_MS after a packet, sooner when there are many, and when there is none, too.
 * Then read until there are no more.
 */
int usn_tap_fd(const struct usn_tap *t);

/*
 * CLOCK_REALTIME of a stamp of the latest packets, ns since the epoch.
 * The two clocks are compared once a batch, so that a step of the wall clock shows as a step.
 */
uint64_t usn_tap_real_ns(const struct usn_tap *t, uint64_t mono_ns);

struct usn_tap_stats {
	uint64_t delivered; /* packets that usn_tap_next() has handed out, of all devices */
	uint64_t lost;      /* packets lost, because the ring was full */
};

/* delivered + lost + unread is what passed. ifindex: of which device lost is asked; 0: all. */
int usn_tap_stats(const struct usn_tap *t, uint32_t ifindex, struct usn_tap_stats *ret);

#ifdef __cplusplus
}
#endif

#endif
