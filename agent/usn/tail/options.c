// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The options of usn tail and usn record, as a table. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/parse.h"
#include "capture/history.h"
#include "tap/tap.h"
#include "usn/tail/options.h"
#include "usn/verb.h"

#define LAST_BYTES_DEFAULT (64ULL << 20)
#define LAST_BYTES_OF_TIME (1ULL << 30) /* it is taken only as far as it is needed */
#define LAST_BYTES_MAX (64ULL << 30)

static int take_count(struct tail_options *o, const char *s)
{
	uint32_t n;
	int r = parse_u32(s, 1, UINT32_MAX, &n);

	o->wanted = n;
	return r;
}

static int take_write(struct tail_options *o, const char *s)
{
	o->sink.file = s;
	return *s ? 0 : -EINVAL;
}

static int take_file_size(struct tail_options *o, const char *s)
{
	return parse_size(s, 1000000, 1, UINT64_MAX / 2, &o->sink.rotate_bytes);
}

static int take_rotate(struct tail_options *o, const char *s)
{
	return parse_u32(s, 1, UINT32_MAX, &o->sink.rotate_seconds);
}

static int take_files(struct tail_options *o, const char *s)
{
	return parse_u32(s, 1, UINT32_MAX, &o->sink.rotate_files);
}

static int take_json(struct tail_options *o, const char *s)
{
	(void)s;
	o->sink.as_json = true;
	return 0;
}

static int take_time(struct tail_options *o, const char *s)
{
	static const char *const names[] = { [VIEW_REAL] = "real",
					     [VIEW_MONO] = "mono",
					     [VIEW_REL] = "rel",
					     [VIEW_DELTA] = "delta" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (!strcmp(s, names[i])) {
			o->sink.time = (enum view_time)i;
			return 0;
		}
	}
	return -EINVAL;
}

static int take_snaplen(struct tail_options *o, const char *s)
{
	return parse_u32(s, 1, TAP_SNAPLEN_DEFAULT, &o->tap.snaplen);
}

static int take_ring(struct tail_options *o, const char *s)
{
	uint64_t bytes;
	int r = parse_size(s, 1024, TAP_RING_MIN, TAP_RING_MAX, &bytes);

	o->tap.ring_bytes = (uint32_t)bytes;
	return r;
}

static int take_direction(struct tail_options *o, const char *s)
{
	o->tap.directions = !strcmp(s, "in")      ? USN_TAP_IN
			    : !strcmp(s, "out")   ? USN_TAP_OUT
			    : !strcmp(s, "inout") ? USN_TAP_IN | USN_TAP_OUT
						  : 0;
	return o->tap.directions ? 0 : -EINVAL;
}

static int take_immediate(struct tail_options *o, const char *s)
{
	(void)s;
	o->tap.flags |= USN_TAP_IMMEDIATE;
	return 0;
}

static int take_pid(struct tail_options *o, const char *s)
{
	return parse_u32(s, 1, INT32_MAX, &o->tap.pid);
}

static int take_comm(struct tail_options *o, const char *s)
{
	o->tap.comm = s;
	return *s && strlen(s) < USN_COMM_SIZE ? 0 : -EINVAL;
}

static int take_run(struct tail_options *o, const char *s)
{
	o->tap.cgroup = s;
	return *s ? 0 : -EINVAL;
}

/* A time, of seconds, or a size. */
static int take_last(struct tail_options *o, const char *s)
{
	size_t n = strlen(s);
	char digits[16];
	uint32_t seconds;
	int r;

	if (!n || s[n - 1] != 's') {
		o->last_given = true;
		return parse_size(s, 1, HISTORY_BYTES_MIN, LAST_BYTES_MAX, &o->last_bytes);
	}
	if (n > sizeof(digits))
		return -ERANGE;
	memcpy(digits, s, n - 1);
	digits[n - 1] = '\0';
	r = parse_u32(digits, 1, UINT32_MAX, &seconds);
	o->last_ns = seconds * NS_PER_S;
	return r;
}

static int take_failure(struct tail_options *o, const char *s)
{
	uint32_t fd;
	int r = parse_u32(s, 0, INT32_MAX, &fd);

	o->failure_fd = (int)fd;
	return r;
}

#define T OPTIONS_OF_TAIL
#define R OPTIONS_OF_RECORD
/* What has no letter. */
#define FAILURE 256

/* A row for each option of a verb, in the order of the help. */
static const struct taken {
	unsigned int verbs; /* that have it */
	int letter;         /* or FAILURE */
	const char *name;
	const char *value; /* its placeholder in the help; NULL: it takes no value */
	int (*take)(struct tail_options *o, const char *s);
	const char *want; /* what the value has to be */
	const char *help;
} table[] = {
	{ T, 'c', "count", "N", take_count, "a number of packets", "end after N packets" },
	{ T, 'w', "write", "FILE", take_write, "a file",
	  "write pcapng with nanoseconds to FILE; - is the standard output" },
	{ T, 'C', "file-size", "N", take_file_size, "a size: 10, 10M",
	  "with -w: a new file after N million bytes, or NK, NM, NG" },
	{ T, 'G', "rotate", "N", take_rotate, "a number of seconds",
	  "with -w: a new file every N seconds; FILE is of strftime(3)" },
	{ T, 'W', "files", "N", take_files, "a number of files", "with -C or -G: at most N files" },
	{ T, 'j', "json", NULL, take_json, NULL, "one object a line" },
	{ T, 't', "time", "HOW", take_time, "real, mono, delta or rel",
	  "of a line: real, mono, delta (since the packet before),\n"
	  "rel (since the first)" },
	{ R, 'l', "last", "N", take_last, "a time, 30s, or a size from 128K to 64G",
	  "keep the last Ns, as 30s, or NK, NM, NG bytes of memory; 64M.\n"
	  "Given twice, the smaller amount; a time alone keeps what 1G has\n"
	  "room for" },
	{ T | R, 's', "snaplen", "N", take_snaplen, "a number of bytes from 1 to 65535",
	  "keep the first N bytes of a packet, 65535" },
	{ T | R, 'B', "ring", "N", take_ring, "a size from 4K to 1G",
	  "room for what is not read yet, N KiB, or NK, NM, NG; 8M" },
	{ T | R, 'Q', "direction", "D", take_direction, "in, out or inout",
	  "in (to the host), out, or inout" },
	{ T, 'i', "immediate", NULL, take_immediate, NULL,
	  "show each packet at once, instead of within 40 ms" },
	{ T | R, 'p', "pid", "PID", take_pid, "a process", "only packets of this process" },
	{ T | R, 'n', "comm", "NAME", take_comm, "a name of 1 to 15 bytes",
	  "only packets of processes of this name" },
	{ T | R, 'r', "run", "RUN", take_run, "a run or a cgroup",
	  "only packets of this run, as usn0-1, or of a cgroup" },
	{ R, 'w', "write", "FILE", take_write, "a file",
	  "with --on-failure-of: the file to write to" },
	{ R, FAILURE, "on-failure-of", "FD", take_failure, "a descriptor",
	  "used by usn-run: end with the process behind this pidfd, and\n"
	  "write if it has failed" },
};

#define HELP_COLUMN 21

static void print_option(FILE *f, const struct taken *t)
{
	const char *line = t->help, *end;
	int n = t->letter == FAILURE ? fprintf(f, "      ") : fprintf(f, "  -%c, ", t->letter);

	n += fprintf(f, "--%s%s%s", t->name, t->value ? "=" : "", t->value ? t->value : "");
	fprintf(f, "%*s", n < HELP_COLUMN - 1 ? HELP_COLUMN - n : 2, "");
	while ((end = strchr(line, '\n'))) {
		fprintf(f, "%.*s\n%*s", (int)(end - line), line, HELP_COLUMN, "");
		line = end + 1;
	}
	fprintf(f, "%s\n", line);
}

void tail_options_print(FILE *f, unsigned int verb)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		if (table[i].verbs & verb)
			print_option(f, &table[i]);
	}
}

static const struct taken *find(unsigned int verb, int letter)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		if (table[i].verbs & verb && table[i].letter == letter)
			return &table[i];
	}
	return NULL;
}

static int take(struct tail_options *o, unsigned int verb, int c, char **argv, struct usn_err *e)
{
	const struct taken *t = find(verb, c);

	if (!t)
		return bad_option(argv, e);
	if (t->take(o, optarg) >= 0)
		return 0;
	if (c == FAILURE)
		return usage_error(e, "--%s '%s' is not %s", t->name, optarg, t->want);
	return usage_error(e, "-%c '%s' is not %s", c, optarg, t->want);
}

/* What follows the devices is a filter, in one word or several, as tcpdump takes it. */
static int join(char *const *words, int n, char **ret)
{
	size_t size = 1;
	char *text;
	int i;

	for (i = 0; i < n; i++)
		size += strlen(words[i]) + 1;
	text = calloc(1, size);
	if (!text)
		return -ENOMEM;
	for (i = 0; i < n; i++)
		snprintf(text + strlen(text), size - strlen(text), "%s%s", i ? " " : "", words[i]);
	*ret = text;
	return 0;
}

static int take_words(struct tail_options *o, bool may_all, int n, char **words, struct usn_err *e)
{
	uint32_t number;
	bool all = may_all && n && !strcmp(words[0], "all");
	int i = all;

	while (!all && i < n && parse_device(words[i], &number, e) >= 0)
		i++;
	if (!n)
		return usage_error(e, "which device?");
	if (!i)
		return parse_device(words[0], &number, e);
	o->devices = words;
	o->n_devices = all ? 0 : i;
	if (i < n && join(words + i, n - i, &o->filter) < 0)
		return usn_fail(e, ENOMEM, "out of memory");
	o->tap.filter = o->sink.filter = o->filter;
	return 0;
}

static int check_record(struct tail_options *o, struct usn_err *e)
{
	if (!o->sink.file != (o->failure_fd < 0))
		return usage_error(e, "-w and --on-failure-of belong together; "
				      "usn dump writes what is in memory");
	if (!o->last_given)
		o->last_bytes = o->last_ns ? LAST_BYTES_OF_TIME : LAST_BYTES_DEFAULT;
	return 0;
}

static int check_tail(const struct tail_options *o, struct usn_err *e)
{
	const struct sink_options *s = &o->sink;

	if (s->as_json && s->file)
		return usage_error(e, "--json and -w exclude each other");
	if (!s->file && (s->rotate_bytes || s->rotate_seconds || s->rotate_files))
		return usage_error(e, "-C, -G and -W need -w FILE");
	if (s->rotate_files && !s->rotate_bytes && !s->rotate_seconds)
		return usage_error(e, "-W needs -C or -G");
	if (s->file && !strcmp(s->file, "-") && (s->rotate_bytes || s->rotate_seconds))
		return usage_error(e, "-C and -G need a file, not the standard output");
	return 0;
}

/* Those of one verb, as getopt_long(3) takes them. */
static void list_options(unsigned int verb, struct option longs[], char *shorts, size_t size)
{
	size_t i, n = 0;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		const struct taken *t = &table[i];
		int has_value = t->value ? required_argument : no_argument;

		if (!(t->verbs & verb))
			continue;
		longs[n++] = (struct option){ t->name, has_value, NULL, t->letter };
		if (t->letter == FAILURE)
			continue;
		snprintf(shorts + strlen(shorts), size - strlen(shorts), "%c%s", t->letter,
			 t->value ? ":" : "");
	}
}

int tail_options_parse(int argc, char **argv, unsigned int verb, struct tail_options *o,
		       struct usn_err *e)
{
	struct option longs[ARRAY_SIZE(table) + 1] = { 0 };
	char shorts[2 * ARRAY_SIZE(table) + 2] = "";
	int c, r;

	*o = (struct tail_options){
		.tap = { .size = sizeof(o->tap), .snaplen = TAP_SNAPLEN_DEFAULT }, .failure_fd = -1
	};
	list_options(verb, longs, shorts, sizeof(shorts));
	opterr = 0;
	while ((c = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		r = take(o, verb, c, argv, e);
		if (r < 0)
			return r;
	}
	r = verb == OPTIONS_OF_RECORD ? check_record(o, e) : check_tail(o, e);
	if (r >= 0)
		r = take_words(o, verb == OPTIONS_OF_TAIL, argc - optind, argv + optind, e);
	o->sink.snaplen = o->tap.snaplen;
	return r;
}

void tail_options_free(struct tail_options *o)
{
	free(o->filter);
}
