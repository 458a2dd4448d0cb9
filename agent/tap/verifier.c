// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Loading a BPF object, and what the verifier says of it.
 *
 * libbpf says all it knows to a function of its user's: a line for a map that cannot be made,
 * the whole log of the verifier for a program that is refused. For the time of a load that function
 * is ours. It is one for all threads, so what it hears goes to the thread that loads.
 */
#include <bpf/libbpf.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "tap/verifier.h"

static __thread FILE *heard; /* NULL: this thread does not load */
static bool log_all;

static int hear(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	return heard && level == LIBBPF_WARN ? vfprintf(heard, fmt, ap) : 0;
}

void verifier_log_all(bool on)
{
	log_all = on;
}

/* Loads, and gives what libbpf said meanwhile: malloced, NULL if there was no memory. */
static int load_and_hear(struct bpf_object *obj, char **ret_said)
{
	libbpf_print_fn_t before;
	size_t size;
	int r;

	heard = open_memstream(ret_said, &size);
	before = libbpf_set_print(hear);
	r = bpf_object__load(obj);
	libbpf_set_print(before);
	if (heard)
		fclose(heard);
	heard = NULL;
	return r;
}

/* What a refusal is told by: pieces of what libbpf said. */
struct refusal {
	char program[64];
	char instruction[96]; /* "" if the verifier did not get that far */
	char reason[160];     /* "" if no program was refused */
};

/*
 * A line without its end, without what follows "; R", which is the state of the registers,
 * and without space behind.
 */
static void copy_line(char *ret, size_t size, const char *line)
{
	size_t n = strcspn(line, "\n");
	const char *state = memmem(line, n, "; R", 3);

	if (state && isdigit((unsigned char)*line))
		n = (size_t)(state - line);
	while (n && isspace((unsigned char)line[n - 1]))
		n--;
	snprintf(ret, size, "%.*s", (int)n, line);
}

/* The log ends with how much work it was, which is no reason. */
static bool is_statistics(const char *line)
{
	static const char *const words[] = { "processed ",
					     "verification time ",
					     "stack depth ",
					     "max_states_p",
					     "func#",
					     "-- END",
					     "\n" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++) {
		if (!strncmp(line, words[i], strlen(words[i])))
			return true;
	}
	return false;
}

/* "29: (63) ..." */
static bool is_instruction(const char *line)
{
	return isdigit((unsigned char)*line) &&
	       !strncmp(line + strspn(line, "0123456789"), ": (", 3);
}

/* The last instruction before the reason, and the last line that is one. */
static void read_log(struct refusal *f, const char *log)
{
	const char *line, *next, *instruction = NULL, *reason = NULL;

	for (line = log; line && *line && strncmp(line, "-- END", 6); line = next) {
		next = strchr(line, '\n');
		next = next ? next + 1 : NULL;
		if (is_statistics(line))
			continue;
		if (reason && is_instruction(reason))
			instruction = reason;
		reason = line;
	}
	if (reason)
		copy_line(f->reason, sizeof(f->reason), reason);
	if (instruction)
		copy_line(f->instruction, sizeof(f->instruction), instruction);
}

/* libbpf: prog 'NAME': -- BEGIN PROG LOAD LOG --, and the log from the next line on. */
static void read_refusal(struct refusal *f, const char *said)
{
	static const char begin[] = "': -- BEGIN PROG LOAD LOG --\n", prog[] = "prog '";
	const char *log = strstr(said, begin), *name = NULL, *at;

	if (!log)
		return;
	for (at = strstr(said, prog); at && at < log; at = strstr(at + 1, prog))
		name = at + strlen(prog);
	if (name)
		snprintf(f->program, sizeof(f->program), "%.*s", (int)(log - name), name);
	read_log(f, log + strlen(begin));
}

/* Whether the kernel lacks what the program calls. Then no compiler helps. */
static bool is_lack(const struct refusal *f)
{
	static const char *const words[] = { "unknown func", "invalid func", "cannot use helper",
					     "kfunc", "kernel function" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcasestr(f->reason, words[i]))
			return true;
	}
	return false;
}

static int refuse(int code, const struct refusal *f, const char *compiler, struct usn_err *e)
{
	const char *at = f->instruction[0] ? " at " : "";

	if (is_lack(f))
		return usn_fail(e, code, "the kernel refuses the program %s: %s%s%s", f->program,
				f->reason, at, f->instruction);
	return usn_fail(
		e, code,
		"the kernel refuses the program %s: %s%s%s (compiled by %s: try another one, "
		"make CLANG=clang-NN)",
		f->program, f->reason, at, f->instruction, compiler);
}

/* The first thing that went wrong, without the name of the library. */
static void first_warning(char *ret, size_t size, const char *said)
{
	static const char prefix[] = "libbpf: ";

	copy_line(ret, size, strncmp(said, prefix, strlen(prefix)) ? said : said + strlen(prefix));
}

int verifier_load(struct bpf_object *obj, const char *compiler, struct usn_err *e)
{
	_cleanup_free_ char *said = NULL;
	struct refusal f = { 0 };
	char first[160] = "";
	int r = load_and_hear(obj, &said);

	if (r >= 0)
		return r;
	if (log_all && said)
		fputs(said, stderr);
	if (r == -EPERM)
		return usn_fail(e, EPERM,
				"the kernel refuses to load BPF programs: run this as root");
	if (said)
		read_refusal(&f, said);
	if (f.reason[0])
		return refuse(-r, &f, compiler, e);
	if (said)
		first_warning(first, sizeof(first), said);
	if (first[0])
		return usn_fail(e, -r, "the kernel does not take the BPF objects: %s", first);
	return usn_fail_errno(e, -r, "the kernel does not take the BPF objects");
}

void loaded_add(struct loaded *l, const struct bpf_object *obj, const char *compiler)
{
	struct bpf_program *prog;

	bpf_object__for_each_program(prog, obj) l->n_programs += bpf_program__fd(prog) >= 0;
	snprintf(l->compiler, sizeof(l->compiler), "%s", compiler);
}
