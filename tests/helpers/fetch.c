// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Gets a page with nothing but the C library's socket calls: no names are looked up.
 *
 *     fetch ADDRESS PORT PATH    prints the answer, header and all
 */
#include <netinet/in.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int connect_to(const char *address, unsigned short port)
{
	struct sockaddr_in to4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 to6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int is4 = inet_pton(AF_INET, address, &to4.sin_addr) == 1;
	int fd;

	if (!is4 && inet_pton(AF_INET6, address, &to6.sin6_addr) != 1)
		return -1;
	fd = socket(is4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (connect(fd, is4 ? (void *)&to4 : (void *)&to6, is4 ? sizeof(to4) : sizeof(to6)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

int main(int argc, char **argv)
{
	char data[4096];
	ssize_t n;
	int fd;

	if (argc != 4)
		return 2;
	fd = connect_to(argv[1], (unsigned short)strtoul(argv[2], NULL, 10));
	if (fd < 0 || dprintf(fd, "GET %s HTTP/1.0\r\n\r\n", argv[3]) < 0) {
		perror("fetch");
		return 1;
	}
	while ((n = read(fd, data, sizeof(data))) > 0)
		fwrite(data, 1, (size_t)n, stdout);
	if (n < 0)
		perror("fetch");
	close(fd);
	return n < 0;
}
