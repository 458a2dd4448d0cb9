// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Sends datagrams as fast as it can. Every line on stdin, "N SIZE CALL", is answered by the CPU time and the time
 * that they took, in ns; CALL is how many go in one system call. A datagram begins with its number; every thousandth goes
 * to another port.
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
#define CALL_MAX 64

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

static unsigned long least(unsigned long a, unsigned long b)
{
	return a < b ? a : b;
}

/* The next datagrams, up to n, from the one with this number on, in one call. Returns how many. */
static unsigned long send_some(int common, int rare, uint64_t number, unsigned long n, size_t size)
{
	static char data[CALL_MAX][SIZE_MAX_SENT];
	struct mmsghdr messages[CALL_MAX] = { 0 };
	struct iovec parts[CALL_MAX];
	int sent;

	if (number % RARE == 0)
		n = 1;
	else
		n = least(n, RARE - number % RARE);
	for (unsigned long i = 0; i < n; i++, number++) {
		memcpy(data[i], &number, sizeof(number));
		parts[i] = (struct iovec){ data[i], size };
		messages[i].msg_hdr.msg_iov = &parts[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	if (n == 1)
		sent = send((number - 1) % RARE ? common : rare, data[0], size, 0) < 0 ? -1 : 1;
	else
		sent = sendmmsg(common, messages, (unsigned int)n, 0);
	if (sent <= 0)
		die("send");
	return (unsigned long)sent;
}

int main(void)
{
	int common = make(PORT), rare = make(RARE_PORT);
	unsigned long n, size, call;
	uint64_t number = 0;
	char line[64];

	setvbuf(stdout, NULL, _IOLBF, 0);
	while (fgets(line, sizeof(line), stdin)) {
		int64_t cpu, wall;

		if (sscanf(line, "%lu %lu %lu", &n, &size, &call) != 3 || size < sizeof(number) ||
		    size > SIZE_MAX_SENT || call < 1 || call > CALL_MAX)
			return 2;
		cpu = now(CLOCK_THREAD_CPUTIME_ID);
		wall = now(CLOCK_MONOTONIC);
		while (n) {
			unsigned long sent = send_some(common, rare, number, least(n, call), size);

			number += sent;
			n -= sent;
		}
		printf("%lld %lld\n", (long long)(now(CLOCK_THREAD_CPUTIME_ID) - cpu),
		       (long long)(now(CLOCK_MONOTONIC) - wall));
	}
	return 0;
}
