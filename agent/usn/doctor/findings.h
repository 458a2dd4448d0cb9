/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What usn doctor finds: a row for each check, of the kernel and of the machine. */
#ifndef USN_FINDINGS_H
#define USN_FINDINGS_H

#include <stddef.h>

enum finding_status {
	FINDING_OK,
	FINDING_WARN,   /* usn works, but for what the advice says */
	FINDING_MISSING /* it does not */
};

struct finding {
	const char *name;
	enum finding_status status;
	char found[400];
	char advice[300]; /* what it means and what to do; "" if all is well */
};

struct findings {
	size_t n;
	struct finding rows[64];
};

/* A new row: all is well, and nothing found yet. */
struct finding *finding_add(struct findings *all, const char *name);

void finding_say(struct finding *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Behind what was said already; with a comma between if there is any. */
void finding_say_also(struct finding *f, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* A second advice of a row counts if it is the worse one. */
void finding_advise(struct finding *f, enum finding_status status, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

void findings_print_text(const struct findings *all);
void findings_print_json(const struct findings *all);

/* How many rows say that usn does not work. */
size_t findings_missing(const struct findings *all);

#endif
