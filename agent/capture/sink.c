// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Where a capture goes. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "capture/capture_file.h"
#include "capture/sink.h"

struct sink_device {
	uint32_t ifindex;
	char name[USN_NAME_SIZE];
};

struct sink {
	const struct sink_options *o;
	const struct view *view; /* NULL: a file */
	struct capture_file_options file_options;
	struct capture_file *file;
	struct sink_device *devices;
	size_t n, last;                 /* last: where the latest packet's device is */
	uint64_t first_mono, last_mono; /* of the packets shown; 0: none yet */
};

int sink_open(const struct sink_options *o, struct sink **ret, struct usn_err *e)
{
	struct sink *s = calloc(1, sizeof(*s));
	int r = 0;

	if (!s)
		return usn_fail(e, ENOMEM, "out of memory");
	s->o = o;
	s->file_options = (struct capture_file_options){ .path = o->file,
							 .application = "usn " USN_VERSION,
							 .filter = o->filter,
							 .snaplen = o->snaplen,
							 .rotate_bytes = o->rotate_bytes,
							 .rotate_seconds = o->rotate_seconds,
							 .rotate_files = o->rotate_files };
	if (o->file)
		r = capture_file_open(&s->file_options, &s->file, e);
	else
		s->view = o->as_json ? &view_json : &view_text;
	if (r < 0) {
		sink_free(s);
		return r;
	}
	if (s->view && s->view->head)
		s->view->head(stdout);
	*ret = s;
	return 0;
}

struct sink *sink_free(struct sink *s)
{
	if (!s)
		return NULL;
	capture_file_free(s->file);
	free(s->devices);
	free(s);
	return NULL;
}

int sink_device(struct sink *s, uint32_t ifindex, const char *name, struct usn_err *e)
{
	struct sink_device *list;

	if (!s->view)
		return capture_file_interface(s->file, ifindex, name, e);
	list = reallocarray(s->devices, s->n + 1, sizeof(*list));
	if (!list)
		return usn_fail(e, ENOMEM, "out of memory");
	s->devices = list;
	list[s->n].ifindex = ifindex;
	snprintf(list[s->n].name, sizeof(list[s->n].name), "%s", name);
	s->n++;
	return 0;
}

/* NULL: not known. */
static const char *name_of(struct sink *s, uint32_t ifindex)
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

static uint64_t since(const struct sink *s, uint64_t mono_ns)
{
	uint64_t from = s->o->time == VIEW_REL     ? s->first_mono
			: s->o->time == VIEW_DELTA ? s->last_mono
						   : 0;

	/* Of two packets that passed at once on two processors the second may be the earlier one. */
	return mono_ns > from ? mono_ns - from : 0;
}

static void view_packet(struct sink *s, const struct usn_record *rec, uint64_t real_ns)
{
	struct packet_row row = { .rec = rec,
				  .data = (const uint8_t *)(rec + 1),
				  .device = name_of(s, rec->ifindex),
				  .real_ns = real_ns,
				  .time = s->o->time };

	if (!s->first_mono)
		s->first_mono = s->last_mono = rec->mono_ns;
	row.since_ns = since(s, rec->mono_ns);
	s->last_mono = rec->mono_ns;
	packet_dissect(row.data, rec->caplen, rec->len, rec->protocol, &row.info);
	s->view->row(stdout, &row);
}

int sink_packet(struct sink *s, const struct usn_record *rec, uint64_t real_ns, struct usn_err *e)
{
	if (!s->view)
		return capture_file_packet(s->file, rec, real_ns, e);
	view_packet(s, rec, real_ns);
	return 0;
}

int sink_flush(struct sink *s, struct usn_err *e)
{
	if (!s->view)
		return capture_file_flush(s->file, e);
	if (fflush(stdout) || ferror(stdout))
		return usn_fail_errno(e, errno, "cannot write to the standard output");
	return 0;
}

int sink_fd(const struct sink *s)
{
	return s->file ? capture_file_fd(s->file) : -1;
}

int sink_statistics(struct sink *s, uint32_t ifindex, uint64_t lost, struct usn_err *e)
{
	return s->view ? 0 : capture_file_statistics(s->file, ifindex, lost, e);
}
