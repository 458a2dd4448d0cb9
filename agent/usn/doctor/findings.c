// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What usn doctor finds: collected, and shown. */
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "usn/doctor/findings.h"

static const char *const words[] = { "ok", "warn", "missing" };

struct finding *finding_add(struct findings *all, const char *name)
{
	struct finding *f = &all->rows[all->n];

	/* Should there be more checks than rows, the last is written over: tests count them. */
	if (all->n + 1 < ARRAY_SIZE(all->rows))
		all->n++;
	*f = (struct finding){ .name = name };
	return f;
}

void finding_say(struct finding *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(f->found, sizeof(f->found), fmt, ap);
	va_end(ap);
}

void finding_say_also(struct finding *f, const char *fmt, ...)
{
	size_t n = strlen(f->found);
	va_list ap;

	if (n && n + 3 < sizeof(f->found))
		n = (size_t)(stpcpy(f->found + n, ", ") - f->found);
	va_start(ap, fmt);
	vsnprintf(f->found + n, sizeof(f->found) - n, fmt, ap);
	va_end(ap);
}

void finding_advise(struct finding *f, enum finding_status status, const char *fmt, ...)
{
	va_list ap;

	if (status <= f->status)
		return;
	f->status = status;
	va_start(ap, fmt);
	vsnprintf(f->advice, sizeof(f->advice), fmt, ap);
	va_end(ap);
}

void findings_print_text(const struct findings *all)
{
	size_t i;

	for (i = 0; i < all->n; i++) {
		const struct finding *f = &all->rows[i];

		printf("%-7s %-19s %s%s%s\n", words[f->status], f->name, f->found,
		       f->status ? ": " : "", f->advice);
	}
}

void findings_print_json(const struct findings *all)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < all->n; i++) {
		const struct finding *f = &all->rows[i];

		json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s?}", "name", f->name,
						      "status", words[f->status], "found", f->found,
						      "advice", f->status ? f->advice : NULL));
	}
	json_dumpf(list, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(list);
}

size_t findings_missing(const struct findings *all)
{
	size_t i, n = 0;

	for (i = 0; i < all->n; i++)
		n += all->rows[i].status == FINDING_MISSING;
	return n;
}
