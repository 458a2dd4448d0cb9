/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What usn tail or usn record is asked for on the command line. */
#ifndef USN_TAIL_OPTIONS_H
#define USN_TAIL_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <usn.h>

#include "capture/sink.h"

struct tail_options {
	char *const
		*devices; /* names, n_devices of them; none: all there are, also those to come */
	int n_devices;
	uint64_t wanted; /* packets; 0: until interrupted */
	struct usn_tap_options tap;
	struct sink_options sink;
	uint64_t last_bytes; /* of record: how much is kept */
	bool last_given;
	uint64_t last_ns; /* and for how long; 0: not limited */
	int failure_fd; /* of record, a pidfd: write to sink.file if its process fails; -1: none */
	char *filter;   /* malloced; tap.filter is this */
};

#define OPTIONS_OF_TAIL 1
#define OPTIONS_OF_RECORD 2

/* -EINVAL: wrong usage, with the reason. */
int tail_options_parse(int argc, char **argv, unsigned int verb, struct tail_options *o,
		       struct usn_err *e);
void tail_options_free(struct tail_options *o);

/* For the usage. */
extern const char tail_options_text[], record_options_text[];

#endif
