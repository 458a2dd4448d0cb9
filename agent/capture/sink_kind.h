/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a sink can be: a row of functions for each place that a capture goes to. */
#ifndef USN_SINK_KIND_H
#define USN_SINK_KIND_H

#include "capture/sink.h"

/*
 * Behind the functions of sink.h that have these names. A kind that keeps no totals has no
 * statistics, and one that writes to no descriptor of its own has no fd.
 */
struct sink_kind {
	int (*open)(const struct sink_options *o, struct sink **ret, struct usn_err *e);
	int (*device)(struct sink *s, uint32_t ifindex, const char *name, struct usn_err *e);
	int (*packet)(struct sink *s, const struct usn_record *rec, uint64_t real_ns,
		      struct usn_err *e);
	int (*statistics)(struct sink *s, uint32_t ifindex, uint64_t lost, struct usn_err *e);
	int (*flush)(struct sink *s, struct usn_err *e);
	int (*fd)(const struct sink *s);
	void (*free)(struct sink *s);
};

/* The first member of each kind's own structure. */
struct sink {
	const struct sink_kind *kind;
};

extern const struct sink_kind sink_file, sink_text, sink_json;

/* The packet function of sink_file, by name: the compiler can put it into the loop of a caller. */
int sink_file_packet(struct sink *s, const struct usn_record *rec, uint64_t real_ns,
		     struct usn_err *e);

#endif
