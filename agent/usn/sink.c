// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Where a capture goes. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "lib/pcapng.h"
#include "usn/sink.h"

struct sink_interface {
	uint32_t ifindex;
	char name[USN_NAME_SIZE];
	uint32_t number; /* in the file */
	uint64_t lost;   /* as of its last packet */
	uint64_t seen;
};

struct sink {
	const struct sink_options *o;
	const struct view *view; /* NULL: a file */
	const char *name;        /* of the file */
	int fd;
	struct pcapng *file;
	struct sink_interface *interfaces;
	size_t n, last; /* last: where the latest packet's interface is */
	uint64_t start_ns, end_ns;
	uint64_t first_mono, last_mono; /* of the packets shown; 0: none yet */
};

static int file_error(const struct sink *s, int r, struct usn_err *e)
{
	return usn_fail(e, -r, "cannot write to %s: %s; %" PRIu64 " packets are safe in it",
			s->name, strerror(-r), pcapng_written(s->file));
}

static int open_file(struct sink *s, const char *file, struct usn_err *e)
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
	return r < 0 ? file_error(s, r, e) : 0;
}

int sink_open(const struct sink_options *o, struct sink **ret, struct usn_err *e)
{
	struct sink *s = calloc(1, sizeof(*s));
	struct timespec now;
	int r = 0;

	if (!s)
		return usn_fail(e, ENOMEM, "out of memory");
	s->o = o;
	s->fd = -1;
	clock_gettime(CLOCK_REALTIME, &now);
	s->start_ns = s->end_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	if (o->file)
		r = open_file(s, o->file, e);
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
	pcapng_free(s->file);
	close_fd(s->fd);
	free(s->interfaces);
	free(s);
	return NULL;
}

int sink_device(struct sink *s, uint32_t ifindex, const char *name, struct usn_err *e)
{
	struct sink_interface *list = reallocarray(s->interfaces, s->n + 1, sizeof(*list)), *i;
	int r = 0;

	if (!list)
		return usn_fail(e, ENOMEM, "out of memory");
	s->interfaces = list;
	i = &list[s->n];
	*i = (struct sink_interface){ .ifindex = ifindex };
	snprintf(i->name, sizeof(i->name), "%s", name);
	if (!s->view)
		r = pcapng_interface(s->file, name, "user-space network device", s->o->snaplen,
				     &i->number);
	if (r < 0)
		return file_error(s, r, e);
	s->n++;
	return 0;
}

static struct sink_interface *find(struct sink *s, uint32_t ifindex)
{
	size_t i;

	if (s->last < s->n && s->interfaces[s->last].ifindex == ifindex)
		return &s->interfaces[s->last];
	for (i = 0; i < s->n; i++) {
		if (s->interfaces[i].ifindex == ifindex) {
			s->last = i;
			return &s->interfaces[i];
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

static void view_packet(struct sink *s, const struct usn_record *rec, const char *device,
			uint64_t real_ns)
{
	struct packet_row row = { .rec = rec,
				  .data = (const uint8_t *)(rec + 1),
				  .device = device,
				  .real_ns = real_ns,
				  .time = s->o->time };

	if (!s->first_mono)
		s->first_mono = s->last_mono = rec->mono_ns;
	row.since_ns = since(s, rec->mono_ns);
	s->last_mono = rec->mono_ns;
	packet_dissect(row.data, rec->caplen, rec->len, rec->protocol, &row.info);
	s->view->row(stdout, &row);
}

static int write_packet(struct sink *s, const struct usn_record *rec, struct sink_interface *i,
			uint64_t real_ns)
{
	struct pcapng_packet p = {
		.interface = i->number,
		.real_ns = real_ns,
		.data = rec + 1,
		.caplen = rec->caplen,
		.len = rec->len,
		.direction = rec->direction,
		.pid = rec->pid,
		.tid = rec->tid,
		.dropped = rec->lost - i->lost,
	};

	return pcapng_packet(s->file, &p);
}

int sink_packet(struct sink *s, const struct usn_record *rec, uint64_t real_ns, struct usn_err *e)
{
	struct sink_interface *i = find(s, rec->ifindex);
	int r = 0;

	if (!i)
		return usn_fail(e, ENODEV, "a packet of the unknown interface %u", rec->ifindex);
	s->end_ns = real_ns;
	i->seen++;
	if (s->view)
		view_packet(s, rec, i->name, real_ns);
	else
		r = write_packet(s, rec, i, real_ns);
	i->lost = rec->lost;
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

int sink_statistics(struct sink *s, uint32_t ifindex, uint64_t lost, struct usn_err *e)
{
	const struct sink_interface *i = find(s, ifindex);
	struct pcapng_statistics st = { .start_ns = s->start_ns, .end_ns = s->end_ns };
	int r;

	if (s->view || !i)
		return 0;
	st.interface = i->number;
	st.received = i->seen + lost;
	st.dropped = lost;
	r = pcapng_statistics(s->file, &st);
	return r < 0 ? file_error(s, r, e) : 0;
}
