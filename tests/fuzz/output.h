/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* For fuzzers of the tools: what a tool says goes to memory instead of the terminal. */
#ifndef USN_FUZZ_OUTPUT_H
#define USN_FUZZ_OUTPUT_H

#include <getopt.h>
#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "fuzz.h"

struct output {
	FILE *out, *err; /* the terminal's, meanwhile */
	char *text;      /* what was said, as long as it is kept */
	size_t n;
};

static inline void output_keep(struct output *o)
{
	*o = (struct output){ .out = stdout, .err = stderr };
	stdout = stderr = open_memstream(&o->text, &o->n);
	demand(stdout != NULL);
	/* Another command line than the one before. */
	optind = 0;
}

/* The terminal is the terminal again; o->text stays. */
static inline void output_end(struct output *o)
{
	FILE *kept = stdout;

	stdout = o->out;
	stderr = o->err;
	demand(!fclose(kept));
}

/* The reason of a failure is there, in one line. */
static inline void check_reason(int r, const struct usn_err *e)
{
	demand(r <= 0);
	if (!r)
		return;
	demand(*e->text && memchr(e->text, '\0', sizeof(e->text)));
	for (const char *c = e->text; *c; c++)
		demand((unsigned char)*c >= ' ' && *c != 0x7f);
}

#endif
