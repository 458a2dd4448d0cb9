/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Two views of a row: lines for people in tcpdump's wording, and one JSON object a line for
 * programs.
 */
#ifndef USN_VIEW_H
#define USN_VIEW_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <usn/abi.h>

#include "capture/dissect.h"

/* What a line's time is. JSON has the real and the monotonic time always. */
enum view_time {
	VIEW_REAL,  /* of the day, here */
	VIEW_MONO,  /* CLOCK_MONOTONIC */
	VIEW_REL,   /* since the first packet */
	VIEW_DELTA, /* since the packet before */
};

struct packet_row {
	const struct usn_record *rec;
	const uint8_t *data; /* rec->caplen bytes, as packet_dissect() was given them */
	const char *device;  /* name of rec->ifindex, NULL: not known */
	uint64_t real_ns;    /* CLOCK_REALTIME, ns since the epoch */
	enum view_time time;
	uint64_t since_ns; /* what is shown as time, unless that is VIEW_REAL */
	struct packet_info info;
};

struct view {
	/* Writes one line. */
	void (*row)(FILE *f, const struct packet_row *p);
};

extern const struct view view_text, view_json;

/*
 * Makes n bytes at src, or those before a NUL, fit for a terminal: what is not printable ASCII, and
 * the backslash, becomes \xNN. dst takes 4 * n + 1 bytes. Returns dst.
 */
char *view_escape(char *dst, const char *src, size_t n);

/* What an ICMP or ICMPv6 message says, in tcpdump's words, as far as it was captured. */
void view_icmp(FILE *f, const struct packet_info *p);

#endif
