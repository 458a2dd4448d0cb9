/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where a capture goes: lines, JSON, or pcapng files. */
#ifndef USN_SINK_H
#define USN_SINK_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/view.h"

struct sink;
struct usn_err;
struct usn_record;

struct sink_options {
	/* Of pcapng, "-" for the standard output; NULL: text there, or JSON */
	const char *file;
	bool as_json;
	enum view_time time;
	uint32_t snaplen;
	const char *filter;      /* for the file's readers; NULL: none */
	uint64_t rotate_bytes;   /* a new file after so many bytes; 0: never */
	uint32_t rotate_seconds; /* a new file every so often; 0: never */
	uint32_t rotate_files;   /* at most so many files; 0: no limit */
};

int sink_open(const struct sink_options *o, struct sink **ret, struct usn_err *e);
struct sink *sink_free(struct sink *s);

/* A device whose packets may come from now on. */
int sink_device(struct sink *s, uint32_t ifindex, const char *name, struct usn_err *e);

/* The packet behind rec, at real_ns (CLOCK_REALTIME). */
int sink_packet(struct sink *s, const struct usn_record *rec, uint64_t real_ns, struct usn_err *e);

/* At the end of a batch: what was shown so far is out. */
int sink_flush(struct sink *s, struct usn_err *e);

/* The file's descriptor, to poll(2); it may be another one after a packet. -1: there is no file. */
int sink_fd(const struct sink *s);

/* Into the file: a device's totals so far. lost: packets of it that the tap has lost. */
int sink_statistics(struct sink *s, uint32_t ifindex, uint64_t lost, struct usn_err *e);

#endif
