// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A sink that is the standard output: a line a packet, as text or as JSON. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/tool.h"
#include "capture/sink_kind.h"

struct view_device {
	uint32_t ifindex;
	char name[USN_NAME_SIZE];
};

struct view_sink {
	struct sink sink;
	enum view_time time;
	struct view_device *devices;
	size_t n;
	size_t last; /* where the latest packet's device is */
	/* Of the packets shown, the first one and the latest; 0: none yet. */
	uint64_t first_mono, last_mono;
};

static int open_view(const struct sink_options *o, struct sink **ret, struct usn_err *e)
{
	struct view_sink *s = calloc(1, sizeof(*s));

	if (!s)
		return usn_fail(e, ENOMEM, "out of memory");
	s->time = o->time;
	*ret = &s->sink;
	return 0;
}

static void free_view(struct sink *sink)
{
	struct view_sink *s = (struct view_sink *)sink;

	free(s->devices);
	free(s);
}

static int view_device(struct sink *sink, uint32_t ifindex, const char *name, struct usn_err *e)
{
	struct view_sink *s = (struct view_sink *)sink;
	struct view_device *list = reallocarray(s->devices, s->n + 1, sizeof(*list));

	if (!list)
		return usn_fail(e, ENOMEM, "out of memory");
	s->devices = list;
	list[s->n].ifindex = ifindex;
	snprintf(list[s->n].name, sizeof(list[s->n].name), "%s", name);
	s->n++;
	return 0;
}

/* NULL: not known. */
static const char *name_of(struct view_sink *s, uint32_t ifindex)
{
	size_t i;

	if (s->last < s->n && s->devices[s->last].ifindex == ifindex)
		return s->devices[s->last].name;
	for (i = 0; i < s->n; i++) {
		if (s->devices[i].ifindex == ifindex) {
			s->last = i;
			return s->devices[i].name;
		}
	}
	return NULL;
}

static uint64_t since(const struct view_sink *s, uint64_t mono_ns)
{
	uint64_t from = s->time == VIEW_REL     ? s->first_mono
			: s->time == VIEW_DELTA ? s->last_mono
						: 0;

	/*
	 * Of two packets that passed at once on two processors the second may be the earlier one.
	 */
	return mono_ns > from ? mono_ns - from : 0;
}

/* What a view shows of the packet. */
static void make_row(struct view_sink *s, const struct usn_record *rec, uint64_t real_ns,
		     struct packet_row *ret)
{
	*ret = (struct packet_row){ .rec = rec,
				    .data = (const uint8_t *)(rec + 1),
				    .device = name_of(s, rec->ifindex),
				    .real_ns = real_ns,
				    .time = s->time };
	if (!s->first_mono)
		s->first_mono = s->last_mono = rec->mono_ns;
	ret->since_ns = since(s, rec->mono_ns);
	s->last_mono = rec->mono_ns;
	packet_dissect(ret->data, rec->caplen, rec->len, rec->protocol, &ret->info);
}

static int text_packet(struct sink *s, const struct usn_record *rec, uint64_t real_ns,
		       struct usn_err *e)
{
	struct packet_row row;

	(void)e;
	make_row((struct view_sink *)s, rec, real_ns, &row);
	view_text.row(stdout, &row);
	return 0;
}

static int json_packet(struct sink *s, const struct usn_record *rec, uint64_t real_ns,
		       struct usn_err *e)
{
	struct packet_row row;

	(void)e;
	make_row((struct view_sink *)s, rec, real_ns, &row);
	view_json.row(stdout, &row);
	return 0;
}

static int flush_view(struct sink *s, struct usn_err *e)
{
	(void)s;
	return tool_flush_stdout(e);
}

const struct sink_kind sink_text = { .open = open_view,
				     .device = view_device,
				     .packet = text_packet,
				     .flush = flush_view,
				     .free = free_view };
const struct sink_kind sink_json = { .open = open_view,
				     .device = view_device,
				     .packet = json_packet,
				     .flush = flush_view,
				     .free = free_view };
