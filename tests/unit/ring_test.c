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

#include "tap/ring.h"

#define CHUNK 1024u
/* Of more records than are looked at ahead. */
#define CHUNK_LARGE 8192u
#define CHUNKS 4u
#define SIZE (CHUNK * CHUNKS)
#define SECRET 0x5ec4e75ec4e75ec4u
#define MEMORY (USN_RING_DATA + CHUNK_LARGE * CHUNKS + USN_RING_SLACK)
/* The shortest record, without a byte of a packet. */
#define SHORTEST (sizeof(struct usn_slot) + sizeof(struct usn_record))

struct fixture {
	uint8_t *memory; /* the writer's view */
	uint64_t chunk;  /* bytes */
	uint64_t head, *freed, *read;
	struct ring ring;
	bool batch;              /* whether the last next() began one, */
	bool steady;             /* or it was the fast way, */
	uint64_t steadies;       /* and how often that was */
	uint64_t taken;          /* records, */
	unsigned in_use[CHUNKS]; /* and how often each chunk was begun */
};

static int set_up_of(void **state, uint64_t chunk)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int fd = memfd_create("ring", MFD_CLOEXEC);

	assert_non_null(f);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, MEMORY), 0);
	f->memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(f->memory, MAP_FAILED);
	f->freed = (uint64_t *)(void *)(f->memory + USN_RING_FREED);
	f->read = (uint64_t *)(void *)(f->memory + USN_RING_READ);
	f->chunk = chunk;
	assert_int_equal(ring_map(&f->ring, fd, chunk, CHUNKS, SECRET), 0);
	close(fd);
	*state = f;
	return 0;
}

static int set_up(void **state)
{
	return set_up_of(state, CHUNK);
}

static int set_up_large(void **state)
{
	return set_up_of(state, CHUNK_LARGE);
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	ring_unmap(&f->ring);
	munmap(f->memory, MEMORY);
	free(f);
	return 0;
}

static uint64_t offset_of(uint64_t place)
{
	return (place & ((1 << USN_RING_CHUNK_SHIFT) - 1)) * 8;
}

static uint64_t chunk_of(uint64_t place)
{
	return place >> USN_RING_CHUNK_SHIFT & (USN_RING_CHUNKS - 1);
}

static struct usn_slot *slot_at(const struct fixture *f, uint64_t place)
{
	return (void *)(f->memory + USN_RING_DATA + chunk_of(place) * f->chunk + offset_of(place));
}

static void seal(struct fixture *f, uint64_t place)
{
	slot_at(f, place)->seal = (place & USN_RING_PLACE) ^ SECRET;
}

static uint64_t busy(const struct fixture *f)
{
	return (f->head >> USN_RING_TAKEN_SHIFT ^ *f->freed) & ((1 << CHUNKS) - 1);
}

/* Begins a chunk that is free, the one that was freed last if it is; false: there is none. */
static bool turn(struct fixture *f)
{
	uint64_t end = f->head, chunk = *f->freed >> USN_RING_LAST_SHIFT, turns;

	if (busy(f) == (1 << CHUNKS) - 1)
		return false;
	while (busy(f) >> chunk & 1)
		chunk = (chunk + 1) % CHUNKS;
	turns = ((end & USN_RING_PLACE) >> USN_RING_TURN_SHIFT) + 1;
	f->head = (end ^ 1ULL << chunk << USN_RING_TAKEN_SHIFT) & ~USN_RING_PLACE;
	f->head |= turns << USN_RING_TURN_SHIFT & USN_RING_PLACE;
	f->head |= chunk << USN_RING_CHUNK_SHIFT;
	*slot_at(f, end) = (struct usn_slot){ .next = (uint32_t)chunk };
	seal(f, end);
	f->in_use[chunk]++;
	return true;
}

/* Takes a place; false: there is no room. */
static bool take(struct fixture *f, uint64_t length, uint64_t *ret_place)
{
	if (offset_of(f->head) + length + sizeof(struct usn_slot) > f->chunk && !turn(f))
		return false;
	*ret_place = f->head & USN_RING_PLACE;
	f->head += length / 8;
	f->taken++;
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
	const struct usn_record *rec = ring_next_steady(&f->ring);

	f->batch = false;
	f->steady = rec;
	f->steadies += f->steady;
	return rec ? rec : ring_next(&f->ring, &f->batch);
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
	assert_int_equal(*f->read, 0);
	assert_int_equal(*f->freed, 1);
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
	uint64_t open = 0;

	put(f, SHORTEST, 1);
	assert_true(take(f, SHORTEST + 8, &open));
	put(f, SHORTEST, 3);
	assert_next(f, 1);
	assert_null(next(f));
	assert_false(ring_ready(&f->ring));
	ring_release(&f->ring);
	/* There it waits, and who finds it waiting there rings. */
	assert_int_equal(*f->read, open);

	fill(f, open, SHORTEST + 8, 2);
	assert_null(next(f));
	seal(f, open);
	assert_true(ring_ready(&f->ring));
	assert_next(f, 2);
	assert_next(f, 3);
}

/* What an earlier turn, another tap or a packet has left at a place is no seal of this turn's. */
static void old_seals(void **state)
{
	struct fixture *f = *state;
	uint64_t place = 0, i;

	put(f, 128, 0);
	assert_next(f, 0);
	for (i = 1; i < 5 * SIZE / 128; i++) {
		assert_true(take(f, 128, &place));
		/* As the turn before has left it; as one without a secret would seal it; and as others are. */
		assert_null(next(f));
		slot_at(f, place)->seal = place;
		assert_null(next(f));
		slot_at(f, place)->seal = SECRET;
		assert_null(next(f));
		slot_at(f, place)->seal = (place - (1 << USN_RING_TURN_SHIFT)) ^ SECRET;
		assert_null(next(f));
		fill(f, place, 128, i);
		seal(f, place);
		assert_next(f, i);
		ring_release(&f->ring);
	}
}

/* As long as the reader keeps up, it is two chunks that are in use. */
static void chunks_that_are_warm(void **state)
{
	struct fixture *f = *state;
	uint64_t i;

	for (i = 0; i < 1000; i++) {
		put(f, 168, i);
		assert_next(f, i);
		ring_release(&f->ring);
		assert_int_equal(*f->read, f->head & USN_RING_PLACE);
	}
	assert_true(f->in_use[0] > 50 && f->in_use[1] > 50);
	assert_int_equal(f->in_use[2] + f->in_use[3], 0);
}

/* All chunks are filled before something is lost, and all are given back. */
static void full(void **state)
{
	struct fixture *f = *state;
	uint64_t place = 0, n = 0, i;

	while (take(f, 168, &place)) {
		fill(f, place, 168, n++);
		seal(f, place);
	}
	assert_int_equal(n, CHUNKS * (CHUNK / 168));
	assert_int_equal(busy(f), (1 << CHUNKS) - 1);
	for (i = 0; i < n; i++)
		assert_next(f, i);
	assert_null(next(f));
	assert_false(take(f, 168, &place));
	ring_release(&f->ring);
	/* But for the one that is written to. */
	assert_int_equal(busy(f), 1 << chunk_of(f->head));
	put(f, 168, n);
	assert_next(f, n);
}

/* The count of turns and the bits of the chunks go round, and nothing is taken for another. */
static void turns_go_round(void **state)
{
	struct fixture *f = *state;
	uint64_t last = (USN_RING_PLACE >> USN_RING_TURN_SHIFT) - 2, i;

	f->head |= last << USN_RING_TURN_SHIFT;
	f->ring.place |= last << USN_RING_TURN_SHIFT;
	for (i = 0; i < 100; i++) {
		put(f, 512, i);
		assert_next(f, i);
		ring_release(&f->ring);
	}
	assert_true((f->head & USN_RING_PLACE) >> USN_RING_TURN_SHIFT < 100);
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

	for (i = 0; i < 10 * RING_AHEAD; i++) {
		put(f, SHORTEST, i);
		if (i < 4)
			continue;
		assert_next(f, i - 4);
		ring_release(&f->ring);
	}
}

/* The fast way is gone as long as records come as they do nearly always, and left where something else is to be done. */
static void steady(void **state)
{
	struct fixture *f = *state;
	uint64_t n, out = 0;

	/* The first finds the window empty; from then on it has as many as are looked at ahead. */
	for (n = 0; n < RING_AHEAD + 4; n++)
		put(f, SHORTEST + 8 * (n % 3), n);
	assert_next(f, out++);
	assert_false(f->steady);
	for (; out < 5; out++) {
		assert_next(f, out);
		assert_true(f->steady);
	}
	/* There is none behind. */
	assert_next(f, out++);
	assert_false(f->steady);
	put(f, SHORTEST, n++);
	put(f, SHORTEST, n++);
	assert_next(f, out++);
	assert_false(f->steady);
	/* One that was taken later, and is earlier than the last of them. */
	put(f, SHORTEST, n + 1);
	put(f, SHORTEST, n);
	n += 2;
	assert_next(f, out++);
	assert_true(f->steady);
	assert_next(f, out++);
	assert_false(f->steady);
	put(f, SHORTEST, n++);
	assert_next(f, out++);
	assert_true(f->steady);
	while (out < n)
		assert_next(f, out++);
	assert_null(next(f));
}

/* The fast way knows of what the other has taken. */
static void steady_behind_others(void **state)
{
	struct fixture *f = *state;
	uint64_t i;

	for (i = 0; i < RING_AHEAD; i++)
		put(f, SHORTEST, i < RING_AHEAD - 1 ? i : i + 1);
	put(f, SHORTEST, RING_AHEAD - 1);
	for (i = 0; i <= RING_AHEAD; i++) {
		assert_next(f, i);
		assert_false(f->steady);
	}
	assert_null(next(f));
}

/* A batch begins with a chunk, too, so that the clocks are compared while there is no pause. */
static void a_chunk_begins_a_batch(void **state)
{
	struct fixture *f = *state;
	uint64_t i, n = 3 * (CHUNK_LARGE / 128 - 1), batches = 0;

	for (i = 0; i < n; i++)
		put(f, 128, i);
	for (i = 0; i < n; i++) {
		assert_next(f, i);
		batches += f->batch;
	}
	assert_int_equal(batches, 3);
	assert_int_equal(ring_bytes(&f->ring), n * 128);
}

/* A chunk is given back as soon as the last of it is released, so that the fast way is left until then. */
static void steady_over_chunks(void **state)
{
	struct fixture *f = *state;
	uint64_t n, per_chunk = CHUNK_LARGE / 128 - 1, total = 10 * per_chunk;

	for (n = 0; n < total; n++) {
		put(f, 128, n);
		if (n < RING_AHEAD + 2)
			continue;
		assert_next(f, n - RING_AHEAD - 2);
		if (!f->steady)
			ring_release(&f->ring);
		/* The chunk that is written to, and the one that is read, if that is another. */
		assert_true(__builtin_popcountll(busy(f)) <= 2);
	}
	assert_true(f->steadies > total / 2 && f->steadies < total - 10 * RING_AHEAD);
}

/* No chunk is given back of which something was handed out since the last release, or is still to be handed out. */
static void release(void **state)
{
	struct fixture *f = *state;
	uint64_t per_chunk = CHUNK / 128 - 1, n, late;

	/* The last of the first chunk has the latest stamp of the window, so that it is out after some of the second. */
	for (n = 0; n < per_chunk - 1; n++)
		put(f, 128, n);
	put(f, 128, 20);
	late = per_chunk + 3;
	for (; n < late; n++)
		put(f, 128, n);
	assert_int_equal(busy(f), 3);
	for (n = 0; n < late; n++) {
		assert_next(f, n);
		assert_int_equal(busy(f), 3);
	}
	ring_release(&f->ring);
	assert_int_equal(busy(f), 3);
	assert_next(f, 20);
	assert_int_equal(busy(f), 3);
	ring_release(&f->ring);
	assert_int_equal(busy(f), 2);
	assert_int_equal(*f->freed >> USN_RING_LAST_SHIFT, 0);
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
		/* The reader falls behind, and makes up for it. */
		if (below(4) < (i >> 10 & 1 ? 1 : 3))
			write_some(f, &run);
		else
			read_some(f, &run);
	}
	assert_true(run.seen > 20000 && f->in_use[0] > 100 && f->in_use[CHUNKS - 1] > 10);
	assert_true(f->chunk == CHUNK || (f->steadies > 5000 && f->steadies < run.seen));
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
	assert_true(ring_map(&r, -1, CHUNK, CHUNKS, SECRET) < 0);
}

#define WITH_RING(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
#define WITH_LARGE_RING(f) cmocka_unit_test_setup_teardown(f, set_up_large, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_RING(empty),
		WITH_RING(a_batch_begins_where_the_writer_is_looked_at),
		WITH_RING(unsealed),
		WITH_RING(old_seals),
		WITH_RING(chunks_that_are_warm),
		WITH_RING(full),
		WITH_RING(turns_go_round),
		WITH_RING(stamps_are_put_in_order),
		WITH_RING(equal_stamps),
		WITH_RING(ahead),
		WITH_RING(never_empty),
		WITH_LARGE_RING(steady),
		WITH_LARGE_RING(steady_behind_others),
		WITH_LARGE_RING(steady_over_chunks),
		WITH_LARGE_RING(a_chunk_begins_a_batch),
		WITH_RING(release),
		WITH_RING(any_order),
		WITH_LARGE_RING(any_order),
		cmocka_unit_test(no_memory),
	};

	return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}
