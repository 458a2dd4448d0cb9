/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What usn tail or usn record is asked for on the command line. */
#ifndef USN_TAIL_OPTIONS_H
#define USN_TAIL_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <usn.h>

#include "capture/sink.h"

struct tail_options {
	/* Names, n_devices of them; none: all there are, also those to come. */
	char *const *devices;
	int n_devices;
	uint64_t wanted; /* packets; 0: until interrupted */
	struct usn_tap_options tap;
	struct sink_options sink;
	/* Of record: how much is kept, and for how long; 0: of any age. */
	uint64_t last_bytes, last_ns;
	bool last_given; /* last_bytes */
	/* Of record, a pidfd: write to sink.file if its process fails; -1: there is no process. */
	int failure_fd;
	char *filter; /* malloced; tap.filter is this */
};

#define OPTIONS_OF_TAIL 1
#define OPTIONS_OF_RECORD 2

/* -EINVAL: wrong usage, with the reason. */
int tail_options_parse(int argc, char **argv, unsigned int verb, struct tail_options *o,
		       struct usn_err *e);
void tail_options_free(struct tail_options *o);

/* The options of the verb, for its help. */
void tail_options_print(FILE *f, unsigned int verb);

#endif
