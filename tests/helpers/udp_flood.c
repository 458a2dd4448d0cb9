// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Sends datagrams as fast as it can and prints how many the kernel took.
 *
 *     udp_flood ADDRESS PORT COUNT    IPv4; 16 bytes each, the number of the datagram in front
 */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	uint32_t i, n, sent = 0;

	if (argc != 4 || fd < 0 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1)
		return 2;
	to.sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10));
	n = (uint32_t)strtoul(argv[3], NULL, 10);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0) {
		perror("udp_flood: connect");
		return 1;
	}
	for (i = 0; i < n; i++) {
		uint32_t data[4] = { htonl(i) };

		sent += send(fd, data, sizeof(data), 0) == sizeof(data);
	}
	printf("%u\n", sent);
	return 0;
}
