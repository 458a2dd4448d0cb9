// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A history as a pcapng file. */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "usn/tail/snapshot.h"

static void sink_freep(struct sink **s)
{
	sink_free(*s);
}

static int put_devices(struct sink *s, const struct tail_devices *d, struct usn_err *e)
{
	size_t i;
	int r = 0;

	for (i = 0; r >= 0 && i < d->n; i++)
		r = sink_device(s, d->list[i].ifindex, d->list[i].name, e);
	return r;
}

static int put_packets(struct sink *s, const struct history *h, struct snapshot *sum,
		       struct usn_err *e)
{
	const struct history_entry *p;
	int r = 0;

	for (p = history_first(h); r >= 0 && p; p = history_after(h, p)) {
		r = sink_packet(s, &p->rec, p->real_ns, e);
		if (!sum->packets++)
			sum->first_ns = p->real_ns;
		sum->last_ns = p->real_ns;
	}
	return r;
}

static int put_statistics(struct sink *s, const struct tail_devices *d, const struct usn_tap *t,
			  struct usn_err *e)
{
	struct usn_tap_stats st;
	size_t i;
	int r = 0;

	for (i = 0; r >= 0 && i < d->n; i++) {
		usn_tap_stats(t, d->list[i].ifindex, &st);
		r = sink_statistics(s, d->list[i].ifindex, st.lost, e);
	}
	return r;
}

int snapshot_write(const struct history *h, const struct tail_devices *d, const struct usn_tap *t,
		   const struct sink_options *o, struct snapshot *ret, struct usn_err *e)
{
	_cleanup_(sink_freep) struct sink *s = NULL;
	struct snapshot sum = { .forgotten = h->forgotten };
	struct usn_tap_stats st;
	int r;

	usn_tap_stats(t, 0, &st);
	sum.lost = st.lost;
	r = sink_open(o, &s, e);
	if (r >= 0)
		r = put_devices(s, d, e);
	if (r >= 0)
		r = put_packets(s, h, &sum, e);
	if (r >= 0)
		r = put_statistics(s, d, t, e);
	if (r >= 0)
		r = sink_flush(s, e);
	if (r >= 0)
		*ret = sum;
	return r;
}

static const char *time_text(uint64_t ns, char buf[64])
{
	time_t seconds = (time_t)(ns / NS_PER_S);
	struct tm tm;
	size_t n;

	localtime_r(&seconds, &tm);
	n = strftime(buf, 64, "%F %T", &tm);
	snprintf(buf + n, 64 - n, ".%09" PRIu64, (uint64_t)(ns % NS_PER_S));
	return buf;
}

const char *snapshot_text(const struct snapshot *s, char buf[SNAPSHOT_TEXT_SIZE])
{
	char first[64], last[64], span[160] = "";

	if (s->packets)
		snprintf(span, sizeof(span), " from %s to %s", time_text(s->first_ns, first),
			 time_text(s->last_ns, last));
	snprintf(buf, SNAPSHOT_TEXT_SIZE,
		 "%" PRIu64 " packets%s; %" PRIu64 " forgotten, %" PRIu64 " lost", s->packets, span,
		 s->forgotten, s->lost);
	return buf;
}
