// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A sink that is pcapng: one file, or several one after the other. */
#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "capture/capture_file.h"
#include "capture/sink_kind.h"

struct file_sink {
	struct sink sink;
	struct capture_file_options options;
	struct capture_file *file;
};

static struct capture_file *file_of(const struct sink *s)
{
	return ((const struct file_sink *)s)->file;
}

static int open_file(const struct sink_options *o, struct sink **ret, struct usn_err *e)
{
	struct file_sink *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return usn_fail(e, ENOMEM, "out of memory");
	s->options = (struct capture_file_options){ .path = o->file,
						    .application = "usn " USN_VERSION,
						    .filter = o->filter,
						    .snaplen = o->snaplen,
						    .rotate_bytes = o->rotate_bytes,
						    .rotate_seconds = o->rotate_seconds,
						    .rotate_files = o->rotate_files };
	r = capture_file_open(&s->options, &s->file, e);
	if (r < 0) {
		free(s);
		return r;
	}
	*ret = &s->sink;
	return 0;
}

static void free_file(struct sink *s)
{
	capture_file_free(file_of(s));
	free(s);
}

static int file_device(struct sink *s, uint32_t ifindex, const char *name, struct usn_err *e)
{
	return capture_file_interface(file_of(s), ifindex, name, e);
}

int sink_file_packet(struct sink *s, const struct usn_record *rec, uint64_t real_ns,
		     struct usn_err *e)
{
	return capture_file_packet(file_of(s), rec, real_ns, e);
}

static int file_statistics(struct sink *s, uint32_t ifindex, uint64_t lost, struct usn_err *e)
{
	return capture_file_statistics(file_of(s), ifindex, lost, e);
}

static int file_flush(struct sink *s, struct usn_err *e)
{
	return capture_file_flush(file_of(s), e);
}

static int file_fd(const struct sink *s)
{
	return capture_file_fd(file_of(s));
}

const struct sink_kind sink_file = { .open = open_file,
				     .device = file_device,
				     .packet = sink_file_packet,
				     .statistics = file_statistics,
				     .flush = file_flush,
				     .fd = file_fd,
				     .free = free_file };
