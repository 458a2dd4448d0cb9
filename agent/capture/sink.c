// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Where a capture goes: each call goes on to the row of the sink's kind. */
#include "capture/sink.h"
#include "capture/sink_kind.h"

int sink_open(const struct sink_options *o, struct sink **ret, struct usn_err *e)
{
	const struct sink_kind *kind = o->file ? &sink_file : o->as_json ? &sink_json : &sink_text;
	int r = kind->open(o, ret, e);

	if (r >= 0)
		(*ret)->kind = kind;
	return r;
}

struct sink *sink_free(struct sink *s)
{
	if (s)
		s->kind->free(s);
	return NULL;
}

int sink_device(struct sink *s, uint32_t ifindex, const char *name, struct usn_err *e)
{
	return s->kind->device(s, ifindex, name, e);
}

int sink_packet(struct sink *s, const struct usn_record *rec, uint64_t real_ns, struct usn_err *e)
{
	/* A file takes every packet of a busy link: this way its function is part of the loop. */
	if (s->kind == &sink_file)
		return sink_file_packet(s, rec, real_ns, e);
	return s->kind->packet(s, rec, real_ns, e);
}

int sink_statistics(struct sink *s, uint32_t ifindex, uint64_t lost, struct usn_err *e)
{
	return s->kind->statistics ? s->kind->statistics(s, ifindex, lost, e) : 0;
}

int sink_flush(struct sink *s, struct usn_err *e)
{
	return s->kind->flush(s, e);
}

int sink_fd(const struct sink *s)
{
	return s->kind->fd ? s->kind->fd(s) : -1;
}
