// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* usn doctor: whether usn can work here, and what is in its way. It asks no agent and starts none. */
#include <bpf/libbpf.h>
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "usn/doctor.h"
#include "usn/verb.h"

static const char *const words[] = { "ok", "warn", "missing" };

struct finding *finding_add(struct findings *all, const char *name)
{
	struct finding *f = &all->rows[all->n];

	/* The last row is written over, should there ever be more checks than rows: the tests count them. */
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

static void print_text(const struct findings *all)
{
	size_t i;

	for (i = 0; i < all->n; i++) {
		const struct finding *f = &all->rows[i];

		printf("%-7s %-19s %s%s%s\n", words[f->status], f->name, f->found,
		       f->status ? ": " : "", f->advice);
	}
}

static void print_json(const struct findings *all)
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

static size_t count_missing(const struct findings *all)
{
	size_t i, n = 0;

	for (i = 0; i < all->n; i++)
		n += all->rows[i].status == FINDING_MISSING;
	return n;
}

static int run(int argc, char **argv, struct usn_err *e)
{
	struct findings all = { 0 };
	bool as_json = false;
	int r = parse_json_option(argc, argv, &as_json, e);
	size_t missing;

	if (r >= 0 && optind < argc)
		r = usage_error(e, "unexpected '%s'", argv[optind]);
	if (r < 0)
		return r;
	if (geteuid() != 0)
		return usn_fail(e, EPERM, "only root can try what usn needs: run this as root");
	/* What a kernel lacks is no error here. */
	libbpf_set_print(NULL);
	/* The machine first: libbpf raises RLIMIT_MEMLOCK where it counts. */
	doctor_machine(&all);
	doctor_kernel(&all);
	doctor_programs(&all);
	if (as_json)
		print_json(&all);
	else
		print_text(&all);
	missing = count_missing(&all);
	return missing ? usn_fail(e, ENOSYS,
				  "usn cannot work here: of what it needs %zu %s missing", missing,
				  missing == 1 ? "is" : "are")
		       : 0;
}

const struct verb verb_doctor = {
	"doctor", "[--json]", "whether usn can work here",
	"  -j, --json   the same as JSON\n"
	"\n"
	"A line for each check: \"ok\"; \"warn\", if something works less well; or \"missing\", if "
	"usn\n"
	"cannot do without it. Then what was found, and what that means and what to do about it.\n"
	"Nothing is changed.",
	run
};
