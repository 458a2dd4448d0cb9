// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * usn doctor: whether usn can work here, and what is in its way. It asks no agent and starts none.
 */
#include <bpf/libbpf.h>
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <unistd.h>

#include "base/err.h"
#include "usn/doctor/doctor.h"
#include "usn/verb.h"

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
		findings_print_json(&all);
	else
		findings_print_text(&all);
	missing = findings_missing(&all);
	return missing ? usn_fail(e, ENOSYS,
				  "usn cannot work here: of what it needs %zu %s missing", missing,
				  missing == 1 ? "is" : "are")
		       : 0;
}

static const char details[] =
	"  -j, --json   the same as JSON\n"
	"\n"
	"A line for each check: \"ok\"; \"warn\", if something works less well; or \"missing\",\n"
	"if usn cannot do without it. Then what was found, and what that means and what to do\n"
	"about it. Nothing is changed.";

const struct verb verb_doctor = {
	.name = "doctor",
	.arguments = "[--json]",
	.summary = "whether usn can work here",
	.details = details,
	.run = run,
};
