// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* spawn: each line on stdin is a command; runs it and answers with how long it took, in us. */
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

static double us_between(const struct timespec *a, const struct timespec *b)
{
	return (double)(b->tv_sec - a->tv_sec) * 1e6 + (double)(b->tv_nsec - a->tv_nsec) / 1e3;
}

static void run(char *line)
{
	char *argv[64], *save = NULL;
	struct timespec a, b;
	int argc = 0, status = 0;
	pid_t pid;

	for (argv[0] = strtok_r(line, " \n", &save); argv[argc] && argc < 63;)
		argv[++argc] = strtok_r(NULL, " \n", &save);
	clock_gettime(CLOCK_MONOTONIC, &a);
	if (posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ) || waitpid(pid, &status, 0) < 0)
		exit(1);
	clock_gettime(CLOCK_MONOTONIC, &b);
	if (!WIFEXITED(status) || WEXITSTATUS(status)) {
		fprintf(stderr, "spawn: %s failed\n", argv[0]);
		exit(1);
	}
	printf("%.1f\n", us_between(&a, &b));
}

int main(void)
{
	char *line = NULL;
	size_t size = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	while (getline(&line, &size, stdin) > 0)
		run(line);
	free(line);
	return 0;
}
