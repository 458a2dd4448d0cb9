// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Taps, see usn.h. */
#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/cgroup2.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/cold.h"
#include "base/err.h"
#include "tap/bell.h"
#include "tap/filter.h"
#include "tap/pace.h"
#include "tap/ring.h"
#include "tap/tap.h"
#include "tap/tap_programs.h"

struct usn_tap {
	struct tap_programs programs;
	struct ring ring;
	struct bell bell;
	const struct tap_lender *how; /* NULL: the programs are our own */
	void *lender;
	bool immediate;
	struct pace pace;    /* unless it is immediate */
	int64_t real_offset; /* of this batch */
};

int tap_check_options(const struct usn_tap_options *o, struct usn_err *e)
{
	if (o->size < offsetof(struct usn_tap_options, filter) + sizeof(o->filter) || o->reserved)
		return usn_fail(e, EINVAL, "the options of the tap have another size");
	if (o->snaplen > TAP_SNAPLEN_DEFAULT)
		return usn_fail(e, EINVAL, "the snap length is 1 to %u bytes, not %u",
				TAP_SNAPLEN_DEFAULT, o->snaplen);
	if (o->ring_bytes > TAP_RING_MAX)
		return usn_fail(e, EINVAL, "the ring is at most %u bytes, not %u", TAP_RING_MAX,
				o->ring_bytes);
	if (o->directions & ~(USN_TAP_IN | USN_TAP_OUT))
		return usn_fail(e, EINVAL, "there is no direction %#x", o->directions);
	if (o->flags & ~USN_TAP_IMMEDIATE)
		return usn_fail(e, EINVAL, "there is no tap flag %#x", o->flags);
	if (o->comm && (!*o->comm || strlen(o->comm) >= USN_COMM_SIZE))
		return usn_fail(e, EINVAL, "the command name '%s' is not of 1 to %d bytes", o->comm,
				USN_COMM_SIZE - 1);
	return 0;
}

/*
 * The writers ring when half of the ring is unread (bpf/ring.bpf.h);
 * a reader in time is not rung for.
 */
static int begin_pace(struct usn_tap *t)
{
	pace_begin(&t->pace, t->ring.size / 4, clock_mono_ns());
	return bell_set_timer(&t->bell, PACE_SLOWEST_NS);
}

static int map_tap(struct usn_tap *t, struct usn_err *e)
{
	int r = tap_programs_map_ring(&t->programs, &t->ring);

	t->immediate = t->programs.constants[TAP_WAKE_EACH];
	if (r >= 0)
		r = bell_open(&t->bell, t->programs.bell_fd);
	if (r >= 0 && !t->immediate)
		r = begin_pace(t);
	t->real_offset = clock_real_offset();
	return r < 0 ? usn_fail_errno(e, -r, "cannot map the ring buffer") : 0;
}

static int open_tap(struct usn_tap *t, const struct usn_tap_options *o, struct usn_err *e)
{
	_cleanup_(filter_freep) struct filter *f = NULL;
	int r = o->filter && *o->filter ? filter_compile(o->filter, &f, e) : 0;
	uint64_t cgroup = 0;

	if (r >= 0 && o->cgroup)
		r = cgroup_find(o->cgroup, &cgroup, e);
	if (r >= 0)
		r = tap_programs_load(&t->programs, o, cgroup, f, e);
	return r < 0 ? r : map_tap(t, e);
}

static struct usn_tap *new_tap(void)
{
	struct usn_tap *t = calloc(1, sizeof(*t));

	if (t)
		t->bell.epoll_fd = t->bell.timer_fd = -1;
	return t;
}

int tap_borrow(const struct tap_loan *l, struct usn_tap **ret, struct usn_err *e)
{
	struct usn_tap *t = new_tap();
	int r;

	if (!t) {
		close_fd(l->ring_fd);
		close_fd(l->bell_fd);
		close_fd(l->stages_fd);
		l->how->close(l->lender);
		return usn_fail(e, ENOMEM, "out of memory");
	}
	t->how = l->how;
	t->lender = l->lender;
	tap_programs_borrow(&t->programs, l);
	r = map_tap(t, e);
	if (r < 0) {
		usn_tap_close(t);
		return r;
	}
	*ret = t;
	return 0;
}

int usn_tap_open(const char *device, const struct usn_tap_options *o, struct usn_tap **ret,
		 struct usn_err *e)
{
	static const struct usn_tap_options none = { .size = sizeof(none) };
	_cleanup_(usn_tap_closep) struct usn_tap *t = NULL;
	struct usn_err unwanted;
	int r;

	if (!e)
		e = &unwanted;
	if (!o)
		o = &none;
	r = tap_check_options(o, e);
	if (r < 0)
		return r;
	t = new_tap();
	if (!t)
		return usn_fail(e, ENOMEM, "out of memory");
	r = open_tap(t, o, e);
	if (r >= 0 && device)
		r = usn_tap_add(t, device, e);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(t);
	return 0;
}

void usn_tap_close(struct usn_tap *t)
{
	if (!t)
		return;
	ring_unmap(&t->ring);
	bell_close(&t->bell);
	tap_programs_free(&t->programs);
	if (t->how)
		t->how->close(t->lender);
	free(t);
}

static int add_borrowed(struct usn_tap *t, uint32_t ifindex, const char *device, struct usn_err *e)
{
	int in_fd = -1, out_fd = -1, r = t->how->add(t->lender, device, &in_fd, &out_fd, e);

	if (r < 0)
		return r;
	r = tap_programs_place(&t->programs, ifindex, in_fd, out_fd);
	return r < 0 ? usn_fail_errno(e, -r, "cannot add %s to the tap", device) : 0;
}

int usn_tap_add(struct usn_tap *t, const char *device, struct usn_err *e)
{
	struct usn_err unwanted;
	uint32_t ifindex;

	if (!e)
		e = &unwanted;
	if (!device)
		return usn_fail(e, EINVAL, "which device?");
	ifindex = if_nametoindex(device);
	if (!ifindex)
		return usn_fail(e, ENODEV, "the device %s is not up: usn up %s", device, device);
	if (tap_programs_hang_on(&t->programs, ifindex))
		return usn_fail(e, EEXIST, "%s is on the list twice", device);
	return t->how ? add_borrowed(t, ifindex, device, e)
		      : tap_programs_attach(&t->programs, ifindex, device, e);
}

void usn_tap_remove(struct usn_tap *t, uint32_t ifindex)
{
	tap_programs_detach(&t->programs, ifindex);
}

static const struct usn_record *next(struct usn_tap *t)
{
	const struct usn_record *rec;
	bool batch = false;

	/* It may have come between the look and the hearing. */
	do
		rec = ring_next(&t->ring, &batch);
	while (!rec && bell_hear(&t->bell));
	if (batch)
		t->real_offset = clock_real_offset();
	return rec;
}

/*
 * Nothing is left.
 * The timer was set before: if it cannot be set again, the descriptor stays readable.
 */
static void look_later(struct usn_tap *t)
{
	uint64_t now = clock_mono_ns();

	if (!t->immediate && !pace_is_early(&t->pace, now))
		bell_set_timer(&t->bell, pace_next(&t->pace, now, ring_bytes(&t->ring)));
}

/* And no record is out: what was read to its end is given back now, not at the next look. */
static void rest(struct usn_tap *t)
{
	ring_release(&t->ring);
	look_later(t);
}

static _cold_ const struct usn_record *next_in_any_case(struct usn_tap *t)
{
	const struct usn_record *rec;

	ring_release(&t->ring);
	rec = next(t);
	if (!rec)
		rest(t);
	return rec;
}

const struct usn_record *usn_tap_next(struct usn_tap *t)
{
	const struct usn_record *rec = ring_next_steady(&t->ring);

	return rec ? rec : next_in_any_case(t);
}

size_t usn_tap_batch(struct usn_tap *t, const struct usn_record *views[], size_t n)
{
	size_t i;

	ring_release(&t->ring);
	for (i = 0; i < n; i++) {
		views[i] = ring_next_steady(&t->ring);
		if (!views[i])
			views[i] = next(t);
		if (!views[i])
			break;
	}
	if (!i)
		rest(t);
	return i;
}

int usn_tap_wait(struct usn_tap *t, int timeout_ms)
{
	uint64_t begin = clock_mono_ns(), passed_ms = 0;
	struct epoll_event ev;

	/* In pieces: the timer is heard when nothing came, too. */
	while (!ring_ready(&t->ring)) {
		int left = timeout_ms < 0 ? -1 : timeout_ms - (int)passed_ms;

		if (!left)
			return 0;
		look_later(t);
		if (epoll_wait(t->bell.epoll_fd, &ev, 1, left) < 0)
			return -errno;
		passed_ms = (clock_mono_ns() - begin) / 1000000;
		if (timeout_ms >= 0 && passed_ms > (uint64_t)timeout_ms)
			passed_ms = (uint64_t)timeout_ms;
	}
	return 1;
}

int usn_tap_fd(const struct usn_tap *t)
{
	return t->bell.epoll_fd;
}

uint64_t usn_tap_real_ns(const struct usn_tap *t, uint64_t mono_ns)
{
	return mono_ns + (uint64_t)t->real_offset;
}

int usn_tap_stats(const struct usn_tap *t, uint32_t ifindex, struct usn_tap_stats *ret)
{
	int slot = ifindex ? tap_programs_slot(&t->programs, ifindex) : -1;

	ret->delivered = t->ring.out;
	ret->lost = !ifindex    ? ring_lost(&t->ring)
		    : slot >= 0 ? ring_lost_of(&t->ring, (uint32_t)slot)
				: 0;
	return 0;
}
