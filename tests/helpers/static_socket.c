// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Makes sockets, sends a packet of each to a foreign address, and says which device each is bound to.
 *
 *     static_socket [KIND]...    e.g. tcp4 raw6; without: all
 *
 * Prints "static KIND DEVICE", "-" for no device, or the error's name; then "ready", and keeps the
 * sockets until its standard input ends.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct kind {
	const char *name;
	int family, type, protocol;
} kinds[] = {
	{ "tcp4", AF_INET, SOCK_STREAM, 0 },         { "tcp6", AF_INET6, SOCK_STREAM, 0 },
	{ "udp4", AF_INET, SOCK_DGRAM, 0 },          { "udp6", AF_INET6, SOCK_DGRAM, 0 },
	{ "raw4", AF_INET, SOCK_RAW, IPPROTO_ICMP }, { "raw6", AF_INET6, SOCK_RAW, IPPROTO_ICMPV6 },
};

/* Port 9 of 192.0.2.1 and 2001:db8::1 (RFC 5737, RFC 3849), and what is an echo request there. */
static void send_one(int fd, const struct kind *k)
{
	struct sockaddr_in to4 = { .sin_family = AF_INET, .sin_port = htons(9) };
	struct sockaddr_in6 to6 = { .sin6_family = AF_INET6 };
	unsigned char packet[8] = { 8, 0, 0xf7, 0xff };
	int is4 = k->family == AF_INET;

	inet_pton(AF_INET, "192.0.2.1", &to4.sin_addr);
	inet_pton(AF_INET6, "2001:db8::1", &to6.sin6_addr);
	/* A raw v6 socket takes the port for the protocol's number. */
	to6.sin6_port = k->type == SOCK_RAW ? 0 : htons(9);
	if (k->protocol == IPPROTO_ICMPV6)
		packet[0] = 128;
	if (connect(fd, is4 ? (void *)&to4 : (void *)&to6, is4 ? sizeof(to4) : sizeof(to6)) == 0 &&
	    k->type != SOCK_STREAM && write(fd, packet, sizeof(packet)) < 0)
		perror(k->name);
}

static void try_kind(const struct kind *k)
{
	char device[IF_NAMESIZE] = "";
	socklen_t len = sizeof(device);
	int fd = socket(k->family, k->type | SOCK_NONBLOCK, k->protocol);

	if (fd < 0) {
		printf("static %s %s\n", k->name, strerrorname_np(errno));
		return;
	}
	send_one(fd, k);
	getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, &len);
	printf("static %s %s\n", k->name, len ? device : "-");
}

static int is_wanted(const char *name, int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], name))
			return 1;
	}
	return argc == 1;
}

int main(int argc, char **argv)
{
	char c;
	size_t i;

	for (i = 0; i < COUNT(kinds); i++) {
		if (is_wanted(kinds[i].name, argc, argv))
			try_kind(&kinds[i]);
	}
	puts("ready");
	fflush(stdout);
	while (read(STDIN_FILENO, &c, 1) > 0)
		;
	return 0;
}
