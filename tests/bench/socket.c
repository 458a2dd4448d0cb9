// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* socket() + close(), in ns a pair: each line on stdin is a round, answered by a line with all kinds. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CALLS 4000

static const struct {
	const char *name;
	int family, type;
} kinds[] = {
	{ "udp4", AF_INET, SOCK_DGRAM },
	{ "tcp4", AF_INET, SOCK_STREAM },
	{ "udp6", AF_INET6, SOCK_DGRAM },
	{ "tcp6", AF_INET6, SOCK_STREAM },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static double round_ns(int family, int type)
{
	struct timespec a, b;
	int i;

	clock_gettime(CLOCK_MONOTONIC, &a);
	for (i = 0; i < CALLS; i++) {
		int fd = socket(family, type, 0);

		if (fd < 0) {
			perror("socket");
			exit(1);
		}
		close(fd);
	}
	clock_gettime(CLOCK_MONOTONIC, &b);
	return ((double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec)) / CALLS;
}

int main(void)
{
	char line[16];
	size_t k;

	setvbuf(stdout, NULL, _IOLBF, 0);
	while (fgets(line, sizeof(line), stdin)) {
		for (k = 0; k < KINDS; k++)
			printf("%s %.1f%c", kinds[k].name, round_ns(kinds[k].family, kinds[k].type),
			       k + 1 < KINDS ? ' ' : '\n');
	}
	return 0;
}
