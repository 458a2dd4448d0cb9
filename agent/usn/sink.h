/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where a capture goes: lines, JSON, or a pcapng file. */
#ifndef USN_SINK_H
#define USN_SINK_H

#include <stdbool.h>
#include <stdint.h>

struct sink;
struct usn_err;
struct usn_record;

/* file: a pcapng file's name, "-" for the standard output, or NULL for text or JSON there. */
int sink_open(const char *file, bool as_json, const char *device, uint32_t snaplen,
	      struct sink **ret, struct usn_err *e);

/* The packet behind rec, at real_ns (CLOCK_REALTIME). */
int sink_packet(struct sink *s, const struct usn_record *rec, uint64_t real_ns, struct usn_err *e);

/* At the end of a batch: what was shown so far is out. */
int sink_flush(struct sink *s, struct usn_err *e);

/* Writes what belongs at the end, and flushes. */
int sink_close(struct sink *s, uint64_t seen, uint64_t lost, struct usn_err *e);

struct sink *sink_free(struct sink *s);

#endif
