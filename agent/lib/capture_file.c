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
#include "base/err.h"
#include "lib/capture_file.h"
#include "lib/pcapng.h"
#include "lib/processes.h"

#define NS_PER_S 1000000000ULL

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
	size_t n_interfaces, last;
	struct processes processes;
	uint64_t start_ns, end_ns; /* of this file */
	uint32_t count;            /* files of this name before, by size */
	uint32_t n_files;          /* begun by time */
	uint64_t next_id;
	uint64_t written_before;
};

static int file_error(const struct capture_file *f, int r, struct usn_err *e)
{
	return usn_fail(e, -r, "cannot write to %s: %s; %" PRIu64 " packets are safe%s", f->path,
			strerror(-r), capture_file_written(f),
			f->o->rotate_bytes || f->o->rotate_seconds ? "" : " in it");
}

static bool is_stdout(const struct capture_file *f)
{
	return !strcmp(f->o->path, "-");
}

/* Digits of the greatest number, as many as tcpdump takes. */
static int digits(uint32_t files)
{
	int n = 1;

	for (files--; files > 9; files /= 10)
		n++;
	return n;
}

/* The name of the file that comes now. */
static int name_file(struct capture_file *f, uint64_t real_ns, struct usn_err *e)
{
	const struct capture_file_options *o = f->o;
	time_t when = (time_t)(real_ns / NS_PER_S);
	char base[PATH_MAX - 16];
	struct tm tm = { 0 };
	size_t n = strlen(o->path);

	if (is_stdout(f)) {
		snprintf(f->path, sizeof(f->path), "the standard output");
		return 0;
	}
	localtime_r(&when, &tm);
	if (o->rotate_seconds)
		n = strftime(base, sizeof(base), o->path, &tm);
	else if (n < sizeof(base))
		memcpy(base, o->path, n + 1);
	if (!n || n >= sizeof(base))
		return usn_fail(e, ENAMETOOLONG, "the file name %.60s is too long", o->path);
	if (o->rotate_bytes && o->rotate_files)
		snprintf(f->path, sizeof(f->path), "%s%0*u", base, digits(o->rotate_files),
			 f->count);
	else if (f->count)
		snprintf(f->path, sizeof(f->path), "%s%u", base, f->count);
	else
		snprintf(f->path, sizeof(f->path), "%s", base);
	return 0;
}

static int describe(struct capture_file *f, struct interface *i)
{
	return pcapng_interface(f->w, i->name, "user-space network device", f->o->filter,
				f->o->snaplen, &i->number);
}

static int begin(struct capture_file *f, uint64_t real_ns, struct usn_err *e)
{
	size_t i;
	int r = name_file(f, real_ns, e);

	if (r < 0)
		return r;
	if (is_stdout(f) && isatty(STDOUT_FILENO))
		return usn_fail(e, EINVAL, "pcapng is not for a terminal: give -w FILE, or a pipe");
	f->fd = is_stdout(f) ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)
			     : open(f->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	if (f->fd < 0)
		return usn_fail_errno(e, errno, "cannot open %s", f->path);
	f->start_ns = f->end_ns = real_ns;
	r = pcapng_open(f->fd, f->o->application, &f->w);
	for (i = 0; r >= 0 && i < f->n_interfaces; i++)
		r = describe(f, &f->interfaces[i]);
	return r < 0 ? file_error(f, r, e) : 0;
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

static int end(struct capture_file *f, struct usn_err *e)
{
	size_t i;
	int r = 0;

	for (i = 0; r >= 0 && i < f->n_interfaces; i++)
		r = put_totals(f, &f->interfaces[i], f->interfaces[i].lost);
	if (r >= 0)
		r = pcapng_flush(f->w);
	if (r < 0)
		return file_error(f, r, e);
	for (i = 0; i < f->n_interfaces; i++) {
		f->interfaces[i].seen = 0;
		f->interfaces[i].lost_before = f->interfaces[i].lost;
	}
	f->written_before += pcapng_written(f->w);
	f->w = pcapng_free(f->w);
	f->fd = close_fd(f->fd);
	processes_forget(&f->processes);
	return 0;
}

int capture_file_open(const struct capture_file_options *o, struct capture_file **ret,
		      struct usn_err *e)
{
	struct capture_file *f = calloc(1, sizeof(*f));
	struct timespec now;
	int r;

	if (!f)
		return usn_fail(e, ENOMEM, "out of memory");
	f->o = o;
	f->fd = -1;
	f->n_files = 1;
	clock_gettime(CLOCK_REALTIME, &now);
	r = begin(f, (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec, e);
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

int capture_file_interface(struct capture_file *f, uint32_t ifindex, const char *name,
			   struct usn_err *e)
{
	struct interface *list = reallocarray(f->interfaces, f->n_interfaces + 1, sizeof(*list));
	int r;

	if (!list)
		return usn_fail(e, ENOMEM, "out of memory");
	f->interfaces = list;
	list[f->n_interfaces] = (struct interface){ .ifindex = ifindex };
	snprintf(list[f->n_interfaces].name, USN_NAME_SIZE, "%s", name);
	r = describe(f, &list[f->n_interfaces]);
	if (r < 0)
		return file_error(f, r, e);
	f->n_interfaces++;
	return 0;
}

static struct interface *find(struct capture_file *f, uint32_t ifindex)
{
	size_t i;

	if (f->last < f->n_interfaces && f->interfaces[f->last].ifindex == ifindex)
		return &f->interfaces[f->last];
	for (i = 0; i < f->n_interfaces; i++) {
		if (f->interfaces[i].ifindex == ifindex) {
			f->last = i;
			return &f->interfaces[i];
		}
	}
	return NULL;
}

static int next_by_time(struct capture_file *f, uint64_t real_ns, struct usn_err *e)
{
	int r = end(f, e);

	if (r < 0)
		return r;
	if (f->o->rotate_files && !f->o->rotate_bytes && f->n_files == f->o->rotate_files)
		return -ECANCELED;
	f->count = 0;
	f->n_files++;
	return begin(f, real_ns, e);
}

static int next_by_size(struct capture_file *f, uint64_t real_ns, struct usn_err *e)
{
	uint64_t start_ns = f->start_ns;
	int r = end(f, e);

	if (r < 0)
		return r;
	f->count++;
	if (f->o->rotate_files)
		f->count %= f->o->rotate_files;
	r = begin(f, f->o->rotate_seconds ? start_ns : real_ns, e);
	return r;
}

static int rotate(struct capture_file *f, uint64_t real_ns, struct usn_err *e)
{
	const struct capture_file_options *o = f->o;

	if (!f->w)
		return -ECANCELED;
	if (o->rotate_seconds && real_ns >= f->start_ns + o->rotate_seconds * NS_PER_S)
		return next_by_time(f, real_ns, e);
	if (o->rotate_bytes && pcapng_size(f->w) > o->rotate_bytes)
		return next_by_size(f, real_ns, e);
	return 0;
}

/* Where its program is, if the process is still there to be asked. */
static int introduce(struct capture_file *f, const struct usn_record *rec)
{
	char link[64], path[PATH_MAX], comm[USN_COMM_SIZE + 1] = "";
	struct pcapng_process p = { .pid = rec->pid, .name = comm };
	ssize_t n;

	memcpy(comm, rec->comm, USN_COMM_SIZE);
	snprintf(link, sizeof(link), "/proc/%u/exe", rec->pid);
	n = readlink(link, path, sizeof(path) - 1);
	if (n > 0) {
		path[n] = '\0';
		p.path = path;
	}
	return pcapng_process(f->w, &p);
}

int capture_file_packet(struct capture_file *f, const struct usn_record *rec, uint64_t real_ns,
			struct usn_err *e)
{
	struct interface *i = find(f, rec->ifindex);
	struct pcapng_packet p;
	int r = rotate(f, real_ns, e);

	if (r < 0)
		return r;
	if (!i)
		return usn_fail(e, ENODEV, "a packet of the unknown interface %u", rec->ifindex);
	if (rec->pid) {
		r = processes_note(&f->processes, rec->pid, rec->comm);
		if (r > 0)
			r = introduce(f, rec);
		if (r < 0)
			return file_error(f, r, e);
	}
	p = (struct pcapng_packet){ .interface = i->number,
				    .real_ns = real_ns,
				    .data = rec + 1,
				    .caplen = rec->caplen,
				    .len = rec->len,
				    .direction = rec->direction,
				    .flags = rec->flags,
				    .pid = rec->pid,
				    .tid = rec->tid,
				    .id = ++f->next_id,
				    .dropped = rec->lost - i->lost };
	r = pcapng_packet(f->w, &p);
	if (r < 0)
		return file_error(f, r, e);
	i->lost = rec->lost;
	i->seen++;
	f->end_ns = real_ns;
	return 0;
}

int capture_file_statistics(struct capture_file *f, uint32_t ifindex, uint64_t lost,
			    struct usn_err *e)
{
	const struct interface *i = find(f, ifindex);
	int r = i && f->w ? put_totals(f, i, lost) : 0;

	return r < 0 ? file_error(f, r, e) : 0;
}

int capture_file_flush(struct capture_file *f, struct usn_err *e)
{
	int r = f->w ? pcapng_flush(f->w) : 0;

	return r < 0 ? file_error(f, r, e) : 0;
}

int capture_file_fd(const struct capture_file *f)
{
	return f->fd;
}

uint64_t capture_file_written(const struct capture_file *f)
{
	return f->written_before + (f->w ? pcapng_written(f->w) : 0);
}
