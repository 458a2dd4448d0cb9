// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Captures in files. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/cold.h"
#include "base/err.h"
#include "capture/capture_file.h"
#include "capture/capture_name.h"
#include "capture/pcapng.h"
#include "capture/process_facts.h"
#include "capture/processes.h"

struct interface {
	uint32_t ifindex;
	uint32_t number; /* in the file */
	char name[USN_NAME_SIZE];
	uint64_t seen;        /* packets in this file */
	uint64_t lost;        /* as of its last packet, of the whole capture */
	uint64_t lost_before; /* this file */
};

struct capture_file {
	const struct capture_file_options *o;
	char path[PATH_MAX]; /* of this file */
	int fd;
	struct pcapng *w;
	struct interface *interfaces;
	size_t n_interfaces;
	/* Of the packet before, in the file of now; NULL: to be looked up. */
	struct interface *current;
	struct processes processes;
	uint64_t start_ns, end_ns;   /* of this file: when it was begun, and its last packet */
	uint64_t period_ns;          /* when its period of rotate_seconds began */
	uint64_t last_ns, last_byte; /* behind these the next file follows; UINT64_MAX: never */
	uint32_t count;              /* files of this period before, by size */
	uint32_t periods;            /* so far, with this one */
	bool over;                   /* rotate_files are full, and there is no file any more */
	uint64_t last_id;
	uint64_t written_before; /* this file */
};

/* what: of the current file was not possible. */
static int file_error(const struct capture_file *f, const char *what, int r, struct usn_err *e)
{
	bool several = f->o->rotate_bytes || f->o->rotate_seconds;

	return usn_fail(e, -r, "cannot %s %s: %s; %" PRIu64 " packets are safe%s", what, f->path,
			strerror(-r), capture_file_written(f), several ? "" : " in it");
}

static bool is_stdout(const struct capture_file *f)
{
	return !strcmp(f->o->path, "-");
}

static int describe(struct capture_file *f, struct interface *i)
{
	return pcapng_interface(f->w, i->name, "user-space network device", f->o->filter,
				f->o->snaplen, &i->number);
}

static int open_stdout(struct capture_file *f, struct usn_err *e)
{
	snprintf(f->path, sizeof(f->path), "the standard output");
	if (isatty(STDOUT_FILENO))
		return usn_fail(e, EINVAL, "pcapng is not for a terminal: give -w FILE, or a pipe");
	f->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	return f->fd < 0 ? usn_fail_errno(e, errno, "cannot write to %s", f->path) : 0;
}

static int open_path(struct capture_file *f, struct usn_err *e)
{
	int r = capture_name(f->o, f->period_ns, f->count, f->path, e);

	if (r < 0)
		return r;
	f->fd = open(f->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	if (f->fd >= 0)
		return 0;
	if (!f->start_ns)
		return usn_fail_errno(e, errno, "cannot open %s", f->path);
	return file_error(f, "open", -errno, e);
}

static int begin(struct capture_file *f, uint64_t real_ns, struct usn_err *e)
{
	int r = is_stdout(f) ? open_stdout(f, e) : open_path(f, e);
	size_t i;

	if (r < 0)
		return r;
	f->start_ns = f->end_ns = real_ns;
	f->last_ns = f->o->rotate_seconds ? f->period_ns + f->o->rotate_seconds * NS_PER_S - 1
					  : UINT64_MAX;
	f->last_byte = f->o->rotate_bytes ? f->o->rotate_bytes : UINT64_MAX;
	r = pcapng_open(f->fd, f->o->application, &f->w);
	for (i = 0; r >= 0 && i < f->n_interfaces; i++)
		r = describe(f, &f->interfaces[i]);
	return r < 0 ? file_error(f, "write to", r, e) : 0;
}

static int put_totals(struct capture_file *f, const struct interface *i, uint64_t lost)
{
	const struct pcapng_statistics s = { .interface = i->number,
					     .start_ns = f->start_ns,
					     .end_ns = f->end_ns,
					     .received = i->seen + lost - i->lost_before,
					     .dropped = lost - i->lost_before,
					     .delivered = i->seen };

	return pcapng_statistics(f->w, &s);
}

/* real_ns: from then on packets are in the next file. */
static int end(struct capture_file *f, uint64_t real_ns, struct usn_err *e)
{
	size_t i;
	int r = 0;

	if (real_ns > f->end_ns)
		f->end_ns = real_ns;
	for (i = 0; r >= 0 && i < f->n_interfaces; i++)
		r = put_totals(f, &f->interfaces[i], f->interfaces[i].lost);
	if (r >= 0)
		r = pcapng_flush(f->w);
	if (r < 0)
		return file_error(f, "write to", r, e);
	for (i = 0; i < f->n_interfaces; i++) {
		f->interfaces[i].seen = 0;
		f->interfaces[i].lost_before = f->interfaces[i].lost;
	}
	f->written_before += pcapng_written(f->w);
	f->w = pcapng_free(f->w);
	f->current = NULL;
	f->fd = close_fd(f->fd);
	processes_forget(&f->processes);
	return 0;
}

int capture_file_open(const struct capture_file_options *o, struct capture_file **ret,
		      struct usn_err *e)
{
	struct capture_file *f = calloc(1, sizeof(*f));
	uint64_t now = clock_ns(CLOCK_REALTIME);
	int r;

	if (!f)
		return usn_fail(e, ENOMEM, "out of memory");
	f->o = o;
	f->fd = -1;
	f->periods = 1;
	f->period_ns = now;
	r = begin(f, now, e);
	if (r < 0) {
		capture_file_free(f);
		return r;
	}
	*ret = f;
	return 0;
}

struct capture_file *capture_file_free(struct capture_file *f)
{
	if (!f)
		return NULL;
	pcapng_free(f->w);
	close_fd(f->fd);
	processes_forget(&f->processes);
	free(f->interfaces);
	free(f);
	return NULL;
}

static struct interface *find(const struct capture_file *f, uint32_t ifindex)
{
	size_t i;

	/* The number of one that went may be that of another that came later. */
	for (i = f->n_interfaces; i--;) {
		if (f->interfaces[i].ifindex == ifindex)
			return &f->interfaces[i];
	}
	return NULL;
}

int capture_file_interface(struct capture_file *f, uint32_t ifindex, const char *name,
			   struct usn_err *e)
{
	const struct interface *known = find(f, ifindex);
	struct interface *list;
	int r;

	if (known && !strcmp(known->name, name))
		return 0;
	list = reallocarray(f->interfaces, f->n_interfaces + 1, sizeof(*list));
	if (!list)
		return usn_fail(e, ENOMEM, "out of memory");
	f->interfaces = list;
	f->current = NULL;
	list[f->n_interfaces] = (struct interface){ .ifindex = ifindex };
	snprintf(list[f->n_interfaces].name, USN_NAME_SIZE, "%s", name);
	r = f->w ? describe(f, &list[f->n_interfaces]) : 0;
	if (r < 0)
		return file_error(f, "write to", r, e);
	f->n_interfaces++;
	return 0;
}

static int next_by_time(struct capture_file *f, uint64_t real_ns, struct usn_err *e)
{
	int r = end(f, real_ns, e);

	if (r < 0)
		return r;
	f->over = f->o->rotate_files && !f->o->rotate_bytes && f->periods == f->o->rotate_files;
	if (f->over)
		return -ECANCELED;
	f->count = 0;
	f->periods++;
	f->period_ns = real_ns;
	return begin(f, real_ns, e);
}

static int next_by_size(struct capture_file *f, uint64_t real_ns, struct usn_err *e)
{
	int r = end(f, real_ns, e);

	if (r < 0)
		return r;
	f->count++;
	if (f->o->rotate_files)
		f->count %= f->o->rotate_files;
	return begin(f, real_ns, e);
}

static bool is_full(const struct capture_file *f, uint64_t real_ns)
{
	return real_ns > f->last_ns || pcapng_size(f->w) > f->last_byte;
}

static int rotate(struct capture_file *f, uint64_t real_ns, struct usn_err *e)
{
	return real_ns > f->last_ns ? next_by_time(f, real_ns, e) : next_by_size(f, real_ns, e);
}

/* The format has no place for a cgroup, so that it is a comment. */
static int introduce(struct capture_file *f, const struct usn_record *rec, uint64_t real_ns)
{
	char comm[USN_COMM_SIZE + 1] = "", comment[PCAPNG_TEXT_MAX + 1];
	struct process_facts facts;

	process_facts_get(rec, real_ns, &facts);
	memcpy(comm, rec->comm, USN_COMM_SIZE);
	snprintf(comment, sizeof(comment), "cgroup %llu%s%.*s", rec->cgroup_id,
		 *facts.cgroup ? " " : "", (int)sizeof(comment) - 32, facts.cgroup);
	return pcapng_process(f->w, &(struct pcapng_process){ .pid = rec->pid,
							      .parent = facts.parent,
							      .uid = facts.uid,
							      .start_ns = facts.start_ns,
							      .name = comm,
							      .path = facts.path,
							      .comment = comment });
}

static int introduce_if_new(struct capture_file *f, const struct usn_record *rec, uint64_t real_ns,
			    struct usn_err *e)
{
	int r = processes_note(&f->processes, rec);

	if (r > 0)
		r = introduce(f, rec, real_ns);
	return r < 0 ? file_error(f, "write to", r, e) : 0;
}

/* Whether the file, the interface and the process that a packet needs are there. */
static bool is_prepared(const struct capture_file *f, const struct usn_record *rec,
			uint64_t real_ns)
{
	return f->current && f->current->ifindex == rec->ifindex && !is_full(f, real_ns) &&
	       (!rec->pid || processes_is_last(&f->processes, rec));
}

static _cold_ int prepare(struct capture_file *f, const struct usn_record *rec, uint64_t real_ns,
			  struct usn_err *e)
{
	struct interface *i = find(f, rec->ifindex);
	int r = 0;

	if (!i)
		return usn_fail(e, ENODEV, "a packet of the unknown interface %u", rec->ifindex);
	if (!f->w)
		return f->over ? -ECANCELED : file_error(f, "write to", -EBADF, e);
	if (is_full(f, real_ns))
		r = rotate(f, real_ns, e);
	if (r >= 0)
		r = introduce_if_new(f, rec, real_ns, e);
	if (r >= 0)
		f->current = i;
	return r;
}

int capture_file_packet(struct capture_file *f, const struct usn_record *rec, uint64_t real_ns,
			struct usn_err *e)
{
	struct interface *i;
	int r;

	if (!is_prepared(f, rec, real_ns)) {
		r = prepare(f, rec, real_ns, e);
		if (r < 0)
			return r;
	}
	i = f->current;
	r = pcapng_packet(f->w, &(struct pcapng_packet){ .interface = i->number,
							 .real_ns = real_ns,
							 .data = rec + 1,
							 .caplen = rec->caplen,
							 .len = rec->len,
							 .direction = rec->direction,
							 .flags = rec->flags,
							 .pid = rec->pid,
							 .tid = rec->tid,
							 .id = ++f->last_id,
							 .dropped = rec->lost - i->lost });
	if (r < 0)
		return file_error(f, "write to", r, e);
	i->lost = rec->lost;
	i->seen++;
	f->end_ns = real_ns;
	return 0;
}

int capture_file_statistics(struct capture_file *f, uint32_t ifindex, uint64_t lost,
			    struct usn_err *e)
{
	const struct interface *i = find(f, ifindex);
	uint64_t now = clock_ns(CLOCK_REALTIME);
	int r;

	if (now > f->end_ns)
		f->end_ns = now;
	r = i && f->w ? put_totals(f, i, lost) : 0;
	return r < 0 ? file_error(f, "write to", r, e) : 0;
}

int capture_file_flush(struct capture_file *f, struct usn_err *e)
{
	int r = f->w ? pcapng_flush(f->w) : 0;

	return r < 0 ? file_error(f, "write to", r, e) : 0;
}

int capture_file_fd(const struct capture_file *f)
{
	return f->fd;
}

uint64_t capture_file_written(const struct capture_file *f)
{
	return f->written_before + (f->w ? pcapng_written(f->w) : 0);
}
