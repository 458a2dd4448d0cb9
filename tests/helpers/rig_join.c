// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A rig of two devices: what comes out of one goes into the other.
 *
 *     rig_join FD FD    the descriptors of the two queues
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void pass(int from, int to)
{
	static char packet[65536];
	ssize_t n = read(from, packet, sizeof(packet));

	if (n < 0 && errno != EINTR && errno != EAGAIN) {
		perror("rig_join: read");
		exit(1);
	}
	if (n > 0 && write(to, packet, (size_t)n) < 0)
		perror("rig_join: write");
}

int main(int argc, char **argv)
{
	struct pollfd p[2];

	if (argc != 3)
		return 2;
	p[0] = (struct pollfd){ .fd = atoi(argv[1]), .events = POLLIN };
	p[1] = (struct pollfd){ .fd = atoi(argv[2]), .events = POLLIN };
	puts("ready");
	fflush(stdout);
	while (poll(p, 2, -1) > 0 || errno == EINTR) {
		if (p[0].revents)
			pass(p[0].fd, p[1].fd);
		if (p[1].revents)
			pass(p[1].fd, p[0].fd);
	}
	return 1;
}
