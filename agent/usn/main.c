// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* usn, the command: finds the verb in the table and prints what went wrong, once. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/tool.h"
#include "usn/verb.h"

static const struct verb *const verbs[] = {
	&verb_up,     &verb_down, &verb_list,    &verb_show, &verb_rig,    &verb_tail,
	&verb_record, &verb_dump, &verb_ambient, &verb_bind, &verb_unbind, &verb_doctor,
};

#define NAME_COLUMNS 7
#define ARGUMENT_COLUMNS 40

/* Arguments that are wider than their column have a line of their own. */
static void print_summary(FILE *f, const struct verb *v)
{
	const char *arguments = v->arguments;

	fprintf(f, "  %-*s ", NAME_COLUMNS, v->name);
	if (strlen(arguments) > ARGUMENT_COLUMNS) {
		fprintf(f, "%s\n%*s", arguments, NAME_COLUMNS + 3, "");
		arguments = "";
	}
	fprintf(f, "%-*s %s\n", ARGUMENT_COLUMNS, arguments, v->summary);
}

static void print_help(FILE *f)
{
	size_t i;

	fputs("usage: usn COMMAND [ARGUMENT]...\n"
	      "\n"
	      "user-space network devices, and what passes on them\n"
	      "\n",
	      f);
	for (i = 0; i < ARRAY_SIZE(verbs); i++)
		print_summary(f, verbs[i]);
	fputs("\nusn COMMAND --help tells more; programs are started by usn-run.\n", f);
}

static void print_verb_help(const struct verb *v)
{
	printf("usage: usn %s %s\n\n", v->name, v->arguments);
	if (v->print_options) {
		v->print_options(stdout);
		putchar('\n');
	}
	puts(v->details);
}

static const struct verb *find(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(verbs); i++) {
		if (!strcmp(verbs[i]->name, name))
			return verbs[i];
	}
	return NULL;
}

/* --help before "--" or the first operand that a command could follow. */
static int wants_help(int argc, char **argv)
{
	return argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"));
}

/* Prints what went wrong, once, and gives the exit status. */
static int end(const char *name, int r, const struct usn_err *e)
{
	if (r >= 0)
		return 0;
	fprintf(stderr, "usn%s%s: %s\n", name ? " " : "", name ? name : "", e->text);
	return r == -EINVAL ? 2 : 1;
}

static int run(const struct verb *v, int argc, char **argv)
{
	struct usn_err e = { .code = EIO, .text = "failed" };
	int r = 0;

	if (wants_help(argc, argv))
		print_verb_help(v);
	else
		r = v->run(argc, argv, &e);
	/* A full disk shows when the buffer is written. */
	if (r >= 0)
		r = tool_flush_stdout(&e);
	return end(v->name, r, &e);
}

int main(int argc, char **argv)
{
	const struct verb *v;
	struct usn_err e;
	int r = 0;

	ensure_stdio();
	if (argc < 2) {
		print_help(stderr);
		return 2;
	}
	v = find(argv[1]);
	if (v)
		return run(v, argc - 1, argv + 1);
	if (wants_help(argc, argv) || !strcmp(argv[1], "help"))
		print_help(stdout);
	else if (!strcmp(argv[1], "--version"))
		tool_print_version("usn");
	else
		r = usn_fail(&e, EINVAL, "there is no command '%.40s': see usn --help", argv[1]);
	if (r >= 0)
		r = tool_flush_stdout(&e);
	return end(NULL, r, &e);
}
