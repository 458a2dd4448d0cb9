// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* How often a tap's reader looks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tap/pace.h"

#define PART 1000000 /* bytes */
#define MS 1000000ULL

/* The interval after so many looks, each that many ns and bytes after the one before. */
static uint64_t after(uint64_t ns, uint64_t bytes, uint64_t looks)
{
	uint64_t next = 0;
	struct pace p;

	pace_begin(&p, PART, 5);
	for (uint64_t i = 1; i <= looks; i++)
		next = pace_next(&p, 5 + i * ns, i * bytes);
	return next;
}

static void follows_the_rate(void **state)
{
	struct pace p;

	(void)state;
	/* 100 bytes a us: a part takes 10 ms. */
	assert_int_equal(after(2 * MS, 200000, 1), 10 * MS);
	assert_int_equal(after(20 * MS, 2000000, 2), 10 * MS);
	assert_int_equal(after(10 * MS, PART, 9), 10 * MS);
	/* Only the last look counts. */
	pace_begin(&p, PART, 0);
	assert_int_equal(pace_next(&p, 10 * MS, PART), 10 * MS);
	assert_int_equal(pace_next(&p, 15 * MS, 2 * PART), 5 * MS);
	assert_int_equal(pace_next(&p, 20 * MS, 2 * PART), PACE_SLOWEST_NS);
}

static void has_ends(void **state)
{
	(void)state;
	assert_int_equal(after(40 * MS, 0, 2), PACE_SLOWEST_NS);
	assert_int_equal(after(40 * MS, 1, 2), PACE_SLOWEST_NS);
	assert_int_equal(after(MS, 1ULL << 40, 2), PACE_FASTEST_NS);
	assert_int_equal(after(0, PART, 2), PACE_FASTEST_NS);
	assert_int_equal(after(UINT64_MAX / 4, 0, 1), PACE_SLOWEST_NS);
}

static void early(void **state)
{
	struct pace p;

	(void)state;
	pace_begin(&p, PART, 7 * MS);
	assert_true(pace_is_early(&p, 7 * MS));
	assert_false(pace_is_early(&p, 7 * MS + PACE_FASTEST_NS));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(follows_the_rate),
		cmocka_unit_test(has_ends),
		cmocka_unit_test(early),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
