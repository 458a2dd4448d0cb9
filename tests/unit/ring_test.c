// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The reading end of a tap's ring, before a writer that does what bpf/ring.bpf.h does, in any order one likes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/ring.h"

#define SIZE 4096u
#define SECRET 0x5ec4e75ec4e75ec4u
#define MEMORY (USN_RING_DATA + SIZE + USN_RING_SLACK)
/* The shortest record, without a byte of a packet. */
#define SHORTEST (sizeof(struct usn_slot) + sizeof(struct usn_record))

struct fixture {
	uint8_t *memory; /* the writer's view */
	uint64_t *head, *tail;
	struct ring ring;
	bool batch; /* whether the last next() began one */
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int fd = memfd_create("ring", MFD_CLOEXEC);

	assert_non_null(f);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, MEMORY), 0);
	f->memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(f->memory, MAP_FAILED);
	f->head = (uint64_t *)(void *)(f->memory + USN_RING_HEAD);
	f->tail = (uint64_t *)(void *)(f->memory + USN_RING_TAIL);
	assert_int_equal(ring_map(&f->ring, fd, SIZE, SECRET), 0);
	close(fd);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	ring_unmap(&f->ring);
	munmap(f->memory, MEMORY);
	free(f);
	return 0;
}

static struct usn_slot *slot_at(const struct fixture *f, uint64_t pos)
{
	return (void *)(f->memory + USN_RING_DATA + pos % SIZE);
}

/* Takes a place; false: there is no room. */
static bool take(struct fixture *f, uint64_t length, uint64_t *ret_pos)
{
	if (*f->head + length - *f->tail > SIZE)
		return false;
	*ret_pos = *f->head;
	*f->head += length;
	return true;
}

/* Writes a record there, whose bytes are all of its stamp, without the seal. */
static void fill(struct fixture *f, uint64_t pos, uint64_t length, uint64_t stamp)
{
	struct usn_slot *s = slot_at(f, pos);
	struct usn_record *rec = (void *)(s + 1);

	s->length = (uint32_t)length;
	memset(rec, (uint8_t)stamp, length - sizeof(*s));
	rec->mono_ns = stamp;
	rec->caplen = (uint32_t)(length - SHORTEST);
}

static void seal(struct fixture *f, uint64_t pos)
{
	slot_at(f, pos)->seal = pos ^ SECRET;
}

static uint64_t put(struct fixture *f, uint64_t length, uint64_t stamp)
{
	uint64_t pos = 0;

	assert_true(take(f, length, &pos));
	fill(f, pos, length, stamp);
	seal(f, pos);
	return pos;
}

static const struct usn_record *next(struct fixture *f)
{
	f->batch = false;
	return ring_next(&f->ring, &f->batch);
}

static void assert_whole(const struct usn_record *rec, uint64_t stamp)
{
	const uint8_t *data = (const uint8_t *)(rec + 1);
	uint32_t i;

	assert_int_equal(rec->mono_ns, stamp);
	for (i = 0; i < rec->caplen; i++)
		assert_int_equal(data[i], (uint8_t)stamp);
}

static void assert_next(struct fixture *f, uint64_t stamp)
{
	const struct usn_record *rec = next(f);

	assert_non_null(rec);
	assert_whole(rec, stamp);
}

static void empty(void **state)
{
	struct fixture *f = *state;

	assert_false(ring_ready(&f->ring));
	assert_null(next(f));
	assert_false(f->batch);
	ring_release(&f->ring);
	assert_int_equal(*f->tail, 0);
}

static void a_batch_begins_where_the_writer_is_looked_at(void **state)
{
	struct fixture *f = *state;

	put(f, SHORTEST, 1);
	put(f, SHORTEST + 64, 2);
	assert_true(ring_ready(&f->ring));
	assert_next(f, 1);
	assert_true(f->batch);
	assert_next(f, 2);
	assert_false(f->batch);
	assert_null(next(f));
	assert_false(ring_ready(&f->ring));
}

/* A record that is being written hides those behind it, whole as they are, and nothing before it. */
static void unsealed(void **state)
{
	struct fixture *f = *state;
	uint64_t busy = 0;

	put(f, SHORTEST, 1);
	assert_true(take(f, SHORTEST + 8, &busy));
	put(f, SHORTEST, 3);
	assert_next(f, 1);
	assert_null(next(f));
	assert_false(ring_ready(&f->ring));
	ring_release(&f->ring);
	assert_int_equal(*f->tail, busy);

	fill(f, busy, SHORTEST + 8, 2);
	assert_null(next(f));
	seal(f, busy);
	assert_true(ring_ready(&f->ring));
	assert_next(f, 2);
	assert_next(f, 3);
}

/* What an earlier round, another tap or a packet has left at a place is no seal of this round's. */
static void old_seals(void **state)
{
	struct fixture *f = *state;
	const uint64_t rounds = 3;
	uint64_t pos = 0, i;

	put(f, 128, 0);
	assert_next(f, 0);
	for (i = 1; i < rounds * SIZE / 128; i++) {
		assert_true(take(f, 128, &pos));
		/* As the round before has left it; as one without a secret would seal it; and as others are. */
		assert_null(next(f));
		slot_at(f, pos)->seal = pos;
		assert_null(next(f));
		slot_at(f, pos)->seal = SECRET;
		assert_null(next(f));
		slot_at(f, pos)->seal = (pos + SIZE) ^ SECRET;
		assert_null(next(f));
		fill(f, pos, 128, i);
		seal(f, pos);
		assert_next(f, i);
		ring_release(&f->ring);
	}
}

static void wrap_around(void **state)
{
	struct fixture *f = *state;
	uint64_t pos, i;

	/* 4096 is no multiple of 168: in some rounds a record begins before the end and lies over it, in one piece. */
	for (i = 0; i < 1000; i++) {
		put(f, 168, i);
		assert_next(f, i);
		ring_release(&f->ring);
		assert_int_equal(*f->tail, *f->head);
	}
	/* No more than the seal of a record before the end, and the rest behind. */
	pos = SIZE - *f->head % SIZE - 8;
	if (pos < SHORTEST)
		pos += SIZE;
	put(f, pos, 1000);
	assert_next(f, 1000);
	ring_release(&f->ring);
	assert_int_equal(put(f, SHORTEST + 512, 1001) % SIZE, SIZE - 8);
	assert_next(f, 1001);
}

static void stamps_are_put_in_order(void **state)
{
	static const uint64_t taken[] = { 5, 3, 4, 1, 2, 7, 6, 9, 8, 10 };
	struct fixture *f = *state;
	uint64_t i;

	for (i = 0; i < 10; i++)
		put(f, SHORTEST + 8 * i, taken[i]);
	for (i = 1; i <= 10; i++)
		assert_next(f, i);
	assert_null(next(f));
}

/* Two of the same nanosecond stay as they were taken. */
static void equal_stamps(void **state)
{
	struct fixture *f = *state;
	const struct usn_record *first, *second;

	put(f, SHORTEST, 7);
	put(f, SHORTEST, 7);
	first = next(f);
	second = next(f);
	assert_true(first && second && first < second);
}

/* The reader looks RING_AHEAD records ahead: the one behind those comes when it comes. */
static void ahead(void **state)
{
	struct fixture *f = *state;
	uint64_t i;

	for (i = 0; i < RING_AHEAD; i++)
		put(f, SHORTEST, 100 + i);
	put(f, SHORTEST, 1);
	assert_next(f, 100);
	assert_next(f, 1);
	assert_next(f, 101);
}

/* A reader that is never done moves on all the same, further than what it looks ahead in is long. */
static void never_empty(void **state)
{
	struct fixture *f = *state;
	uint64_t i;

	for (i = 0; i < 10 * RING_WINDOW; i++) {
		put(f, SHORTEST, i);
		if (i < 4)
			continue;
		assert_next(f, i - 4);
		ring_release(&f->ring);
	}
}

/* Of a full ring nothing is given back that was handed out since the last release, or that is still to be handed out. */
static void release(void **state)
{
	struct fixture *f = *state;
	uint64_t pos = 0, late, n = 0;
	const struct usn_record *rec;

	/* The last of the first sixteen has the earliest stamp, so its place, behind the others, is out first. */
	while (n < 15)
		put(f, 128, 100 + n++);
	late = put(f, 128, 1);
	for (; take(f, 128, &pos); n++) {
		fill(f, pos, 128, 100 + n);
		seal(f, pos);
	}
	assert_next(f, 1);
	ring_release(&f->ring);
	assert_int_equal(*f->tail, 0);
	assert_false(take(f, 128, &pos));
	rec = next(f);
	assert_whole(rec, 100);
	assert_int_equal(*f->tail, 0);
	ring_release(&f->ring);
	assert_int_equal(*f->tail, 128);
	/* As far as the late one everything is out: there is no hole to be given back before. */
	for (n = 1; n < 15; n++)
		assert_next(f, 100 + n);
	assert_int_equal(*f->tail, 128);
	ring_release(&f->ring);
	assert_int_equal(*f->tail, late + 128);
}

/* A random number below n. The same ones in each run. */
static uint64_t below(uint64_t n)
{
	return (uint64_t)random() % n;
}

#define PENDING 6
#define HELD 64

struct run {
	uint64_t stamp, seen;
	uint64_t pending[PENDING]; /* taken and filled, not sealed */
	size_t n_pending;
	struct {
		const struct usn_record *rec;
		uint64_t stamp;
	} held[HELD];
	size_t n_held;
};

static void write_some(struct fixture *f, struct run *run)
{
	uint64_t length = SHORTEST + 8 * below(40), pos = 0;
	size_t i;

	if (run->n_pending < PENDING && take(f, length, &pos)) {
		fill(f, pos, length, ++run->stamp);
		run->pending[run->n_pending++] = pos;
	}
	if (run->n_pending && below(2)) {
		i = below(run->n_pending);
		seal(f, run->pending[i]);
		run->pending[i] = run->pending[--run->n_pending];
	}
}

static void read_some(struct fixture *f, struct run *run)
{
	const struct usn_record *rec;
	size_t i;

	if (!below(8) || run->n_held == HELD) {
		/* Whatever was written since: what was handed out is as it was. */
		for (i = 0; i < run->n_held; i++)
			assert_whole(run->held[i].rec, run->held[i].stamp);
		run->n_held = 0;
		ring_release(&f->ring);
		assert_true(*f->tail <= *f->head && *f->head - *f->tail <= SIZE);
	}
	rec = next(f);
	if (!rec)
		return;
	/* Stamps rise by one a record: each comes once and in its turn. */
	assert_whole(rec, ++run->seen);
	run->held[run->n_held].rec = rec;
	run->held[run->n_held++].stamp = rec->mono_ns;
}

static void any_order(void **state)
{
	struct fixture *f = *state;
	struct run run = { 0 };
	int i;

	srandom(1);
	for (i = 0; i < 200000; i++) {
		if (below(2))
			write_some(f, &run);
		else
			read_some(f, &run);
	}
	assert_true(run.seen > 20000 && *f->head > 100 * SIZE);
	while (run.n_pending)
		seal(f, run.pending[--run.n_pending]);
	while (run.seen < run.stamp)
		read_some(f, &run);
	assert_null(next(f));
}

static void no_memory(void **state)
{
	struct ring r;

	(void)state;
	assert_true(ring_map(&r, -1, SIZE, SECRET) < 0);
}

#define WITH_RING(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_RING(empty),        WITH_RING(a_batch_begins_where_the_writer_is_looked_at),
		WITH_RING(unsealed),     WITH_RING(old_seals),
		WITH_RING(wrap_around),  WITH_RING(stamps_are_put_in_order),
		WITH_RING(equal_stamps), WITH_RING(ahead),
		WITH_RING(never_empty),  WITH_RING(release),
		WITH_RING(any_order),    cmocka_unit_test(no_memory),
	};

	return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}
