/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A filter: an expression of pcap-filter(7), as a program that stands before a tap's program in
 * the kernel. Offsets are those of an IP packet: there is no Ethernet header.
 * libpcap compiles, and keeps state of its own while it does: one thread only.
 */
#ifndef USN_FILTER_H
#define USN_FILTER_H

#include <stdbool.h>
#include <stdint.h>

struct filter;
struct usn_err;

/*
 * -EINVAL with libpcap's reason, or ours, if the expression is none.
 * The empty one matches every packet.
 */
int filter_compile(const char *expression, struct filter **ret, struct usn_err *e);
struct filter *filter_free(struct filter *f);

static inline void filter_freep(struct filter **f)
{
	filter_free(*f);
}

/* Where a filter goes over to other programs: two slots of an array (BPF_MAP_TYPE_PROG_ARRAY). */
struct filter_stages {
	int prog_array_fd;
	uint32_t match;   /* the program that gets what matches */
	uint32_t by_call; /* filter_load() puts one here */
};

/*
 * Loads a program for the tc hooks of a TUN device. On a match it goes over to the program in the
 * slot. If there is none, or without a match, it returns TCX_NEXT, so that the next tap is asked.
 * -E2BIG: too large for the kernel; -EOPNOTSUPP: the expression needs a loop.
 */
int filter_load(const struct filter *f, const struct filter_stages *stages, int *ret_prog_fd,
		struct usn_err *e);

/* libpcap's own verdict on a packet of len bytes, of which the first caplen are there. */
bool filter_matches(const struct filter *f, const void *packet, uint32_t caplen, uint32_t len);

#endif
