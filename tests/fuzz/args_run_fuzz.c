// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Any command line of usn-run, any environment's ND, any answer of the agent, and any
 * nsswitch.conf. What is refused says why, in one line; what is asked for is what the words say;
 * the run's own nsswitch.conf asks for hosts by nothing that leaves the run.
 *
 * The input is the words, a line each, then behind a NUL each ND, the nsswitch.conf, and what the
 * agent answers.
 */
#include <jansson.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "fuzz.h"
#include "output.h"
#include "words.h"

static jmp_buf end_of_program;

int main_of_usn_run(int argc, char **argv);
int names_make_private_really(const json_t *servers, struct usn_err *e);

/* --help and --version end the program. What it had then, it has not lost. */
#define exit(status) longjmp(end_of_program, 1 + (status))
#define main main_of_usn_run
#include "usn-run/main.c"
#undef main
#undef exit

/* The files are written to memory, and no namespace is made. */
#define names_make_private names_make_private_really
#define finish finish_of_names
#include "usn-run/names.c"
#undef names_make_private
#undef finish

int __lsan_is_turned_off(void);
int __real_client_open(struct client **ret, struct usn_err *e);
int __wrap_client_open(struct client **ret, struct usn_err *e);
int __wrap_varlink_connect(void);
FILE *__real_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode);
int __wrap_chdir(const char *path);
int __wrap_netns_cookie_of_socket(uint64_t *ret);

static const char *nsswitch; /* NULL: files are what they are */
static const uint8_t *answers;
static size_t n_answers;
static int other_side = -1;

int __lsan_is_turned_off(void)
{
	return 1;
}

/* What is left to exec(3) to close. */
static struct client *opened;

int __wrap_client_open(struct client **ret, struct usn_err *e)
{
	int r = __real_client_open(&opened, e);

	*ret = opened;
	return r;
}

int __wrap_varlink_connect(void)
{
	int fds[2];

	close_fd(other_side);
	demand(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds));
	other_side = fds[1];
	demand(send(other_side, answers, n_answers, MSG_NOSIGNAL) == (ssize_t)n_answers);
	shutdown(other_side, SHUT_WR);
	return fds[0];
}

FILE *__wrap_fopen(const char *path, const char *mode)
{
	if (!nsswitch || strcmp(path, "/etc/nsswitch.conf"))
		return __real_fopen(path, mode);
	/* fmemopen(3) has no empty files. */
	return *nsswitch ? fmemopen((char *)(uintptr_t)nsswitch, strlen(nsswitch), "r") : NULL;
}

int __wrap_chdir(const char *path)
{
	errno = *path ? ENOENT : 0;
	return *path == '/' ? 0 : -1;
}

int __wrap_netns_cookie_of_socket(uint64_t *ret)
{
	*ret = 1;
	return 0;
}

int recorder_check(const char *file, char **ret_path, struct usn_err *e)
{
	if (!*file)
		return usn_fail(e, ENOENT, "cannot open %.200s", file);
	*ret_path = strdup(file);
	return 0;
}

int recorder_prepare(const char *device, const char *path, struct recorder *ret, struct usn_err *e)
{
	(void)e;
	demand(!strncmp(device, "usn", 3) && *path);
	*ret = (struct recorder){ -1, -1 };
	return 0;
}

int recorder_start(struct recorder *rec, const char *run, struct usn_err *e)
{
	(void)rec;
	return *run ? 0 : usn_fail(e, ENOENT, "there is no run '%s'", run);
}

void recorder_done(struct recorder *rec)
{
	(void)rec;
}

/* As the C library takes it: a name that ends with a colon or white space, and then words. */
static void check_nsswitch(char *text)
{
	static const char white[] = " \t\v\f\r";
	char *line, *word, *save;

	while ((line = strsep(&text, "\n"))) {
		line[strcspn(line, "#")] = '\0';
		line += strspn(line, white);
		word = strsep(&line, " \t\v\f\r:");
		if (strcmp(word, "hosts") || !line)
			continue;
		for (word = strtok_r(line, white, &save); word; word = strtok_r(NULL, white, &save))
			demand(!strcmp(word, "files") || !strcmp(word, "myhostname") ||
			       !strcmp(word, "dns"));
	}
}

int names_make_private(const json_t *servers, struct usn_err *e)
{
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	(void)e;
	demand(f != NULL);
	write_nsswitch(f);
	fputc('\n', f);
	demand(!fclose(f));
	check_nsswitch(text);
	free(text);
	f = open_memstream(&text, &n);
	write_resolv(f, servers);
	demand(!fclose(f));
	free(text);
	return 0;
}

static void run_it(int argc, char *argv[])
{
	struct usn_err e = { 0 };

	if (setjmp(end_of_program))
		return;
	check_reason(prepare(argc, argv, &e), &e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char *none[] = { NULL };
	char *argv[WORDS_MAX + 1], *nd, *text, **before = environ;
	struct output o;
	int argc = words_take(&data, &size, "usn-run", argv);

	nd = take_string(&data, &size);
	text = take_string(&data, &size);
	answers = data;
	n_answers = size < 32768 ? size : 32768;
	environ = none;
	if (*nd)
		setenv("ND", nd, 1);
	nsswitch = text;
	output_keep(&o);
	run_it(argc, argv);
	output_end(&o);
	nsswitch = NULL;
	/* The words of the environment are the program's own ones. */
	clearenv();
	environ = before;
	other_side = close_fd(other_side);
	opened = client_free(opened);
	words_free(argv);
	free(nd);
	free(text);
	free(o.text);
	return 0;
}
