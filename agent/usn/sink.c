// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Where a capture goes. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "lib/pcapng.h"
#include "usn/sink.h"
#include "usn/view.h"

struct sink {
	const char *device;
	const struct view *view; /* NULL: a file */
	const char *name;        /* of the file */
	int fd;
	struct pcapng *file;
	uint32_t interface;
	uint64_t start_ns, end_ns;
	uint64_t lost; /* as of the last packet */
};

static int file_error(const struct sink *s, int r, struct usn_err *e)
{
	return usn_fail(e, -r, "cannot write to %s: %s; %" PRIu64 " packets are safe in it",
			s->name, strerror(-r), pcapng_written(s->file));
}

static int open_file(struct sink *s, const char *file, uint32_t snaplen, struct usn_err *e)
{
	int r;

	s->name = strcmp(file, "-") ? file : "the standard output";
	if (s->name != file && isatty(STDOUT_FILENO))
		return usn_fail(e, EINVAL, "pcapng is not for a terminal: give -w FILE, or a pipe");
	s->fd = s->name == file ? open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640)
				: fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	if (s->fd < 0)
		return usn_fail_errno(e, errno, "cannot open %s", s->name);
	r = pcapng_open(s->fd, "usn " USN_VERSION, &s->file);
	if (r >= 0)
		r = pcapng_interface(s->file, s->device, "user-space network device", snaplen,
				     &s->interface);
	/* The header is out at once, so that a pipe's reader can start. */
	if (r >= 0)
		r = pcapng_flush(s->file);
	return r < 0 ? file_error(s, r, e) : 0;
}

int sink_open(const char *file, bool as_json, const char *device, uint32_t snaplen,
	      struct sink **ret, struct usn_err *e)
{
	struct sink *s = calloc(1, sizeof(*s));
	struct timespec now;
	int r = 0;

	if (!s)
		return usn_fail(e, ENOMEM, "out of memory");
	s->device = device;
	s->fd = -1;
	clock_gettime(CLOCK_REALTIME, &now);
	s->start_ns = s->end_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	if (file)
		r = open_file(s, file, snaplen, e);
	else
		s->view = as_json ? &view_json : &view_text;
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
	pcapng_free(s->file);
	close_fd(s->fd);
	free(s);
	return NULL;
}

static void view_packet(struct sink *s, const struct usn_record *rec, uint64_t real_ns)
{
	struct packet_row row = { .rec = rec,
				  .data = (const uint8_t *)(rec + 1),
				  .device = s->device,
				  .real_ns = real_ns };

	packet_dissect(row.data, rec->caplen, rec->len, rec->protocol, &row.info);
	s->view->row(stdout, &row);
}

int sink_packet(struct sink *s, const struct usn_record *rec, uint64_t real_ns, struct usn_err *e)
{
	struct pcapng_packet p = {
		.interface = s->interface,
		.real_ns = real_ns,
		.data = rec + 1,
		.caplen = rec->caplen,
		.len = rec->len,
		.direction = rec->direction,
		.pid = rec->pid,
		.tid = rec->tid,
		.dropped = rec->lost - s->lost,
	};
	int r = 0;

	s->end_ns = real_ns;
	s->lost = rec->lost;
	if (s->view)
		view_packet(s, rec, real_ns);
	else
		r = pcapng_packet(s->file, &p);
	return r < 0 ? file_error(s, r, e) : 0;
}

int sink_flush(struct sink *s, struct usn_err *e)
{
	int r;

	if (!s->view) {
		r = pcapng_flush(s->file);
		return r < 0 ? file_error(s, r, e) : 0;
	}
	if (fflush(stdout) || ferror(stdout))
		return usn_fail_errno(e, errno, "cannot write to the standard output");
	return 0;
}

int sink_close(struct sink *s, uint64_t seen, uint64_t lost, struct usn_err *e)
{
	struct pcapng_statistics st = { .interface = s->interface,
					.start_ns = s->start_ns,
					.end_ns = s->end_ns,
					.received = seen + lost,
					.dropped = lost };
	int r;

	if (!s->view) {
		r = pcapng_statistics(s->file, &st);
		if (r < 0)
			return file_error(s, r, e);
	}
	return sink_flush(s, e);
}
