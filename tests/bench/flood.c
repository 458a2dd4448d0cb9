// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Sends datagrams as fast as it can. Every line on stdin, "N SIZE", is answered by the CPU time and the time
 * that they took, in ns. A datagram begins with its number; every thousandth goes to another port.
 */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PORT 9000
#define RARE_PORT 9001
#define RARE 1000
#define SIZE_MAX_SENT 1400

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int make(uint16_t port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	inet_pton(AF_INET, "10.64.0.2", &to.sin_addr);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		die("connect");
	return fd;
}

static int64_t now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

int main(void)
{
	int common = make(PORT), rare = make(RARE_PORT);
	static char data[SIZE_MAX_SENT];
	unsigned long n, size;
	uint64_t number = 0;
	char line[64];

	setvbuf(stdout, NULL, _IOLBF, 0);
	while (fgets(line, sizeof(line), stdin)) {
		int64_t cpu, wall;

		if (sscanf(line, "%lu %lu", &n, &size) != 2 || size < sizeof(number) ||
		    size > sizeof(data))
			return 2;
		cpu = now(CLOCK_THREAD_CPUTIME_ID);
		wall = now(CLOCK_MONOTONIC);
		for (; n; n--, number++) {
			memcpy(data, &number, sizeof(number));
			if (send(number % RARE ? common : rare, data, size, 0) < 0)
				die("send");
		}
		printf("%lld %lld\n", (long long)(now(CLOCK_THREAD_CPUTIME_ID) - cpu),
		       (long long)(now(CLOCK_MONOTONIC) - wall));
	}
	return 0;
}
