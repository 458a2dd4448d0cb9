// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Sends of small UDP datagrams, in ns each: every line on stdin is a round, answered by the connected and
 * the unconnected figure. An argument is a device to bind to, for who is not in a run.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CALLS 20000
#define SIZE 32

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int make(const char *device)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0)
		die("socket");
	if (device && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, strlen(device) + 1) < 0)
		die(device);
	return fd;
}

static double round_ns(int fd, const struct sockaddr_in *to)
{
	static const char data[SIZE];
	struct timespec a, b;
	int i;

	clock_gettime(CLOCK_MONOTONIC, &a);
	for (i = 0; i < CALLS; i++) {
		if (sendto(fd, data, SIZE, 0, (const struct sockaddr *)to, to ? sizeof(*to) : 0) <
		    0)
			die("send");
	}
	clock_gettime(CLOCK_MONOTONIC, &b);
	return ((double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec)) / CALLS;
}

int main(int argc, char **argv)
{
	const char *device = argc > 1 ? argv[1] : NULL;
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };
	int connected = make(device), other = make(device);
	char line[16];

	inet_pton(AF_INET, "10.64.0.2", &to.sin_addr);
	if (connect(connected, (struct sockaddr *)&to, sizeof(to)) < 0)
		die("connect");
	setvbuf(stdout, NULL, _IOLBF, 0);
	while (fgets(line, sizeof(line), stdin))
		printf("connected %.1f unconnected %.1f\n", round_ns(connected, NULL),
		       round_ns(other, &to));
	return 0;
}
