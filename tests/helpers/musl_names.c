// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Looks its arguments up by the C library it is linked with, which for the tests is musl, static. */
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>

int main(int argc, char **argv)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	int i;

	for (i = 1; i < argc; i++) {
		struct addrinfo *list, *a;
		char host[64];
		int r = getaddrinfo(argv[i], NULL, &hints, &list);

		if (r) {
			fprintf(stderr, "%s: %s\n", argv[i], gai_strerror(r));
			return 1;
		}
		for (a = list; a; a = a->ai_next) {
			getnameinfo(a->ai_addr, a->ai_addrlen, host, sizeof(host), NULL, 0,
				    NI_NUMERICHOST);
			puts(host);
		}
		freeaddrinfo(list);
	}
	return 0;
}
