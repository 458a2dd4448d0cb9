/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The command is its table: one verb a file. */
#ifndef USN_VERB_H
#define USN_VERB_H

#include <stdbool.h>
#include <stdio.h>

struct usn_err;

struct verb {
	const char *name;
	const char *arguments; /* as the usage line shows them */
	const char *summary;
	const char *details; /* options and examples, whole lines */
	/* argv[0] is the verb. 0; -EINVAL: the usage was wrong; other -errno: it failed. */
	int (*run)(int argc, char **argv, struct usn_err *e);
	/* Options that are a table, before the details; NULL: the details have all options. */
	void (*print_options)(FILE *f);
};

extern const struct verb verb_up, verb_down, verb_list, verb_show, verb_rig, verb_tail, verb_record,
	verb_dump, verb_ambient, verb_bind, verb_unbind, verb_doctor;

/* "usn VERB: REASON; see usn VERB --help" as -EINVAL, for wrong usage. */
int usage_error(struct usn_err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* After getopt_long has returned '?' or ':': what it did not like. */
int bad_option(char **argv, struct usn_err *e);

/* For verbs whose only option is --json. optind is at the first other word afterwards. */
int parse_json_option(int argc, char **argv, bool *ret_json, struct usn_err *e);

#endif
