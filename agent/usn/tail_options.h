/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a capture is asked for on the command line. */
#ifndef USN_TAIL_OPTIONS_H
#define USN_TAIL_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <usn.h>

#include "usn/sink.h"

struct tail_options {
	char *const
		*devices; /* names, n_devices of them; none: all there are, also those to come */
	int n_devices;
	uint64_t wanted; /* packets; 0: until interrupted */
	struct usn_tap_options tap;
	struct sink_options sink;
	char *filter; /* malloced; tap.filter is this */
};

/* -EINVAL: wrong usage, with the reason. */
int tail_options_parse(int argc, char **argv, struct tail_options *o, struct usn_err *e);
void tail_options_free(struct tail_options *o);

extern const char tail_options_text[]; /* for the usage */

#endif
