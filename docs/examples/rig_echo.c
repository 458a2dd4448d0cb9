/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A rig that answers ping, IPv4 and IPv6, for every address behind its device.
 *
 *     cc -O2 -o rig_echo rig_echo.c
 *     usn rig usn0 -- ./rig_echo
 *
 * `usn rig` hands over the queue of the device, as the descriptor whose number is in USN_FD. Each
 * read() returns one IP packet that an application sent, from the first byte of its header on. Each
 * write() is one IP packet that the applications receive. A read blocks until there is a packet.
 * When this program ends, by SIGTERM or otherwise, the rig ends; the device stays.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PACKET_MAX 65536 /* bytes; an IP packet without jumbograms is shorter */

/* IP protocol numbers and ICMP types: RFC 792, RFC 4443 */
#define PROTO_ICMP 1
#define PROTO_ICMPV6 58
#define ICMP_ECHO_REPLY 0
#define ICMP_ECHO_REQUEST 8
#define ICMPV6_ECHO_REQUEST 128
#define ICMPV6_ECHO_REPLY 129

static unsigned get16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

/*
 * Exchanges two addresses of len bytes: src, and the destination that follows it. No checksum
 * changes, because each is a sum, and both addresses are in it either way.
 */
static void swap_addresses(uint8_t *src, size_t len)
{
	uint8_t tmp[16];

	memcpy(tmp, src, len);
	memcpy(src, src + len, len);
	memcpy(src + len, tmp, len);
}

/*
 * Gives an ICMP message another type, and updates its checksum (RFC 1624, equation 3). A request
 * with a wrong checksum gets a reply with a wrong checksum, which the receiver drops.
 */
static void set_type(uint8_t *icmp, uint8_t type)
{
	unsigned sum = (~get16(icmp + 2) & 0xffff) + (~get16(icmp) & 0xffff);

	icmp[0] = type;
	sum += get16(icmp);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~sum & 0xffff;
	icmp[2] = (uint8_t)(sum >> 8);
	icmp[3] = (uint8_t)sum;
}

/* Turns an IPv4 echo request into its reply, in place. Returns its length; 0: no answer. */
static size_t answer4(uint8_t *p, size_t len)
{
	size_t header = (size_t)(p[0] & 15) * 4, total = get16(p + 2);

	if (header < 20 || total < header + 8 || total > len)
		return 0;
	/* Not a fragment (more-fragments bit and offset are 0), and not to multicast or broadcast. */
	if ((get16(p + 6) & 0x3fff) || p[9] != PROTO_ICMP || p[16] >= 224)
		return 0;
	if (p[header] != ICMP_ECHO_REQUEST)
		return 0;

	swap_addresses(p + 12, 4);
	set_type(p + header, ICMP_ECHO_REPLY);
	return total;
}

/* The same for IPv6. A request behind extension headers is not answered. */
static size_t answer6(uint8_t *p, size_t len)
{
	size_t total = 40 + (size_t)get16(p + 4);

	if (total < 40 + 8 || total > len || p[6] != PROTO_ICMPV6 || p[24] == 0xff)
		return 0;
	if (p[40] != ICMPV6_ECHO_REQUEST)
		return 0;

	swap_addresses(p + 8, 16);
	set_type(p + 40, ICMPV6_ECHO_REPLY);
	return total;
}

static size_t answer(uint8_t *p, size_t len)
{
	if (len >= 20 && p[0] >> 4 == 4)
		return answer4(p, len);
	if (len >= 40 && p[0] >> 4 == 6)
		return answer6(p, len);
	return 0;
}

/* The descriptor that USN_FD names; -1: it names none. */
static int rig_fd(void)
{
	const char *s = getenv("USN_FD");
	char *end;
	long fd;

	if (!s || *s < '0' || *s > '9')
		return -1;
	fd = strtol(s, &end, 10);
	return *end || fd > 1 << 20 ? -1 : (int)fd;
}

int main(void)
{
	static uint8_t packet[PACKET_MAX];
	int fd = rig_fd();

	if (fd < 0) {
		fprintf(stderr, "rig_echo: no USN_FD: use 'usn rig DEVICE -- rig_echo'\n");
		return 2;
	}
	for (;;) {
		ssize_t n = read(fd, packet, sizeof(packet));
		size_t reply;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			perror("rig_echo: read");
			return 1;
		}
		if (n == 0)
			return 0;
		/* As on any network, a reply that cannot be written is lost. */
		reply = answer(packet, (size_t)n);
		if (reply && write(fd, packet, reply) < 0)
			continue;
	}
}
