// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Whether the running kernel takes each BPF program of usn, as this build's compiler made it: those of
 * runs, of devices and of ambient mode, and those of a tap with every constant that changes what the verifier sees.
 * make check-clang runs it by each compiler on each kernel.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <bpf/libbpf.h>
#include <cmocka.h>
#include <usn.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "tap/filter.h"
#include "tap/tap_programs.h"
#include "tap/verifier.h"
#include "usnd/pins/pins.h"
#include "usnd/pins/redirects.h"
#include "usnd/run/ambient.h"
#include "needs_bpf.h"

#define SOME_CGROUP 1 /* its id */

/* Skipped is what the kernel is known to lack. */
static void must_load(int r, const struct usn_err *e, const struct loaded *l, size_t programs)
{
	if (r == -ENOSYS) {
		print_message("%s\n", e->text);
		skip();
	}
	if (r < 0)
		fail_msg("%s", e->text);
	assert_int_equal(l->n_programs, programs);
	/* The compiler's name is in the object, so that a message can say it. */
	assert_non_null(strcasestr(l->compiler, "clang"));
}

static void programs_of_runs(void **state)
{
	struct loaded l = { 0 };
	struct usn_err e;
	int r = pins_try(&l, &e);

	(void)state;
	must_load(r, &e, &l, 13);
}

static void program_of_devices(void **state)
{
	struct loaded l = { 0 };
	struct usn_err e;
	int r = redirects_try(&l, &e);

	(void)state;
	must_load(r, &e, &l, 1);
}

static void programs_of_ambient_mode(void **state)
{
	struct loaded l = { 0 };
	struct usn_err e;
	int r = ambient_try(&l, &e);

	(void)state;
	must_load(r, &e, &l, 13);
}

static void tap_with(struct usn_tap_options *o, uint64_t cgroup, const char *expression,
		     size_t programs)
{
	_cleanup_(filter_freep) struct filter *f = NULL;
	struct loaded l = { 0 };
	struct usn_err e;
	int r = expression ? filter_compile(expression, &f, &e) : 0;

	o->size = sizeof(*o);
	if (r >= 0)
		r = tap_programs_try(o, cgroup, f, &l, &e);
	must_load(r, &e, &l, programs);
}

static void tap_of_every_choice(void **state)
{
	static const uint32_t snaplens[] = { 0, 1, 64, 65535 };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(snaplens); i++)
		tap_with(&(struct usn_tap_options){ .snaplen = snaplens[i] }, 0, NULL, 2);
	tap_with(&(struct usn_tap_options){ .ring_bytes = 64u << 20 }, 0, NULL, 2);
	tap_with(&(struct usn_tap_options){ .flags = USN_TAP_IMMEDIATE }, 0, NULL, 2);
	tap_with(&(struct usn_tap_options){ .directions = USN_TAP_IN }, 0, NULL, 1);
	tap_with(&(struct usn_tap_options){ .directions = USN_TAP_OUT }, 0, NULL, 1);
}

static void tap_of_every_selection(void **state)
{
	static const char *const comms[] = { NULL, "ping" };
	unsigned i;

	(void)state;
	for (i = 0; i < 8; i++) {
		struct usn_tap_options o = { .pid = i & 1 ? 4711 : 0, .comm = comms[i >> 1 & 1] };

		o.flags = i == 7 ? USN_TAP_IMMEDIATE : 0;
		tap_with(&o, i >> 2 & 1 ? SOME_CGROUP : 0, NULL, 2);
	}
}

static void tap_behind_filters(void **state)
{
	static const char *const expressions[] = {
		"ip",
		"tcp port 80",
		"ip6 and tcp dst portrange 1000-2000",
		"host 10.64.0.2 and not icmp",
		"len > 100 and udp[100:2] = 7",
		"tcp[((tcp[12] & 0xf0) >> 2):4] = 0x47455420",
	};
	struct usn_tap_options selecting = { .pid = 4711, .comm = "ping" };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(expressions); i++)
		tap_with(&(struct usn_tap_options){ 0 }, 0, expressions[i], 2);
	tap_with(&selecting, SOME_CGROUP, expressions[1], 2);
}

static int quiet(void **state)
{
	(void)state;
	libbpf_set_print(NULL);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(programs_of_runs),         cmocka_unit_test(program_of_devices),
		cmocka_unit_test(programs_of_ambient_mode), cmocka_unit_test(tap_of_every_choice),
		cmocka_unit_test(tap_of_every_selection),   cmocka_unit_test(tap_behind_filters),
	};

	if (skipped_without_bpf(tests, ARRAY_SIZE(tests)))
		return 0;
	return cmocka_run_group_tests(tests, quiet, NULL);
}
