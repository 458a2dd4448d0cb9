// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* connect() + close() of TCP to a port where nobody listens, in ns a pair: each line on stdin is a round. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CALLS 400

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* A port that is bound and does not listen refuses, and nobody else gets it. */
static struct sockaddr_in refusing(void)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 ||
	    getsockname(fd, (struct sockaddr *)&sa, &len) < 0)
		die("bind");
	return sa;
}

static double round_ns(const struct sockaddr_in *sa)
{
	struct timespec a, b;
	int fds[CALLS], i;

	for (i = 0; i < CALLS; i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM, 0);
		if (fds[i] < 0)
			die("socket");
	}
	clock_gettime(CLOCK_MONOTONIC, &a);
	for (i = 0; i < CALLS; i++) {
		if (!connect(fds[i], (const struct sockaddr *)sa, sizeof(*sa)) ||
		    errno != ECONNREFUSED)
			die("connect");
		close(fds[i]);
	}
	clock_gettime(CLOCK_MONOTONIC, &b);
	return ((double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec)) / CALLS;
}

int main(void)
{
	struct sockaddr_in sa = refusing();
	char line[16];

	setvbuf(stdout, NULL, _IOLBF, 0);
	while (fgets(line, sizeof(line), stdin))
		printf("%.1f\n", round_ns(&sa));
	return 0;
}
