// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The recorder's memory: the newest packets, in order, whole, within its limits, and each other one counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "capture/history.h"

#define CAPLEN_MAX 65535u

static struct usn_record *packet;

static uint32_t caplen_of(uint64_t number)
{
	uint64_t x = number * 0x9e3779b97f4a7c15;

	/* Most are small, some are as large as can be. */
	return x >> 60 ? (uint32_t)(x >> 40) % 1500 : (uint32_t)(x >> 40) % (CAPLEN_MAX + 1);
}

/* Its number is in its cookie and in each of its bytes. */
static void put_sized(struct history *h, uint64_t number, uint64_t mono_ns, uint32_t caplen)
{
	*packet = (struct usn_record){ .cookie = number, .mono_ns = mono_ns, .caplen = caplen };
	memset(packet + 1, (int)(number & 0xff), caplen);
	history_put(h, packet, mono_ns + 1);
}

static void put(struct history *h, uint64_t number, uint64_t mono_ns)
{
	put_sized(h, number, mono_ns, caplen_of(number));
}

/* It has all from the first that is kept to last, whole. Returns the bytes that they take. */
static uint64_t check(const struct history *h, uint64_t last)
{
	uint64_t number = last + 1 - h->kept, n = 0, bytes = 0;
	const struct history_entry *e;

	assert_int_equal(h->kept + h->forgotten, last + 1);
	for (e = history_first(h); e; e = history_after(h, e), n++, number++) {
		const uint8_t *data = (const uint8_t *)(&e->rec + 1);
		uint32_t i;

		assert_int_equal(e->rec.cookie, number);
		assert_int_equal(e->real_ns, e->rec.mono_ns + 1);
		for (i = 0; i < e->rec.caplen; i++)
			assert_int_equal(data[i], number & 0xff);
		bytes += e->size;
	}
	assert_int_equal(n, h->kept);
	assert_true(h->size <= h->max_bytes);
	assert_true(bytes <= h->max_bytes);
	return bytes;
}

static void test_empty(void **state)
{
	struct history h;

	(void)state;
	history_init(&h, HISTORY_BYTES_MIN, 0);
	assert_null(history_first(&h));
	history_age(&h, UINT64_MAX);
	assert_int_equal(h.forgotten, 0);
	history_free(&h);
}

static void test_the_largest_has_room(void **state)
{
	struct history h;
	uint64_t i;

	(void)state;
	history_init(&h, HISTORY_BYTES_MIN, 0);
	for (i = 0; i < 5; i++) {
		put_sized(&h, i, i, CAPLEN_MAX);
		assert_int_equal(h.kept, 1);
		check(&h, i);
	}
	history_free(&h);
}

static void test_size(void **state)
{
	static const uint64_t limits[] = { HISTORY_BYTES_MIN, 200001, 1u << 20, 3000000 };
	size_t l;

	(void)state;
	for (l = 0; l < sizeof(limits) / sizeof(limits[0]); l++) {
		uint64_t i, least = UINT64_MAX;
		struct history h;

		history_init(&h, limits[l], 0);
		for (i = 0; i < 3000; i++) {
			uint64_t bytes;

			put(&h, i, i);
			bytes = i % 7 && i < 2900 ? least : check(&h, i);
			if (h.forgotten && bytes < least)
				least = bytes;
		}
		assert_true(h.forgotten > 0);
		/* No more goes than has to: one packet, and the rest behind the last of the upper part. */
		assert_true(least + 3 * (CAPLEN_MAX + sizeof(struct history_entry) + 8) >
				    limits[l] ||
			    limits[l] < 300000);
		history_free(&h);
	}
}

static void test_grows_to_what_it_needs(void **state)
{
	struct history h;
	uint64_t i;

	(void)state;
	history_init(&h, 1ULL << 40, 0);
	for (i = 0; i < 2000; i++)
		put_sized(&h, i, i, 5000);
	assert_int_equal(h.forgotten, 0);
	assert_true(check(&h, 1999) > 10000000);
	assert_true(h.size <= 16u << 20);
	history_free(&h);
}

static void test_age(void **state)
{
	struct history h;
	uint64_t i;

	(void)state;
	history_init(&h, 64u << 20, 1000);
	for (i = 0; i < 5000; i++) {
		put(&h, i, 100 * i);
		/* Of 1000 ns, with both ends. */
		assert_int_equal(h.kept, i < 10 ? i + 1 : 11);
	}
	check(&h, 4999);
	/* What is there stays little: the same memory is used again. */
	assert_true(h.size <= 4u << 20);
	history_age(&h, 100 * 4999 + 500);
	assert_int_equal(h.kept, 6);
	check(&h, 4999);
	history_age(&h, 1000000000);
	assert_int_equal(h.kept, 0);
	assert_null(history_first(&h));
	assert_int_equal(h.forgotten, 5000);
	put(&h, 5000, 1000000000);
	check(&h, 5000);
	history_free(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty), cmocka_unit_test(test_the_largest_has_room),
		cmocka_unit_test(test_size),  cmocka_unit_test(test_grows_to_what_it_needs),
		cmocka_unit_test(test_age),
	};
	int r;

	packet = malloc(sizeof(*packet) + CAPLEN_MAX);
	if (!packet)
		return 1;
	r = cmocka_run_group_tests_name("history", tests, NULL, NULL);
	free(packet);
	return r;
}
