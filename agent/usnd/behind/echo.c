// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Answers echo requests in place.
 *
 * An answer is the request with its addresses (and ports) exchanged, which leaves every checksum
 * over them as it was. Only the ICMP type and the TTL need an incremental update (RFC 1624), so a
 * checksum that was wrong stays wrong and the host sees it. Fragments are answered one by one, and
 * the host reassembles them: the first shows what it is, the later ones belong to it by address,
 * protocol and id.
 */
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "usnd/behind/echo.h"

#define ANSWER_TTL 64
#define ECHO_PORT 7

#define IPV4_HLEN 20
#define IPV6_HLEN 40
#define ICMP_HLEN 8
#define UDP_HLEN 8
#define EXTENSION_MIN 8
#define EXTENSIONS_MAX 8 /* as the dissector has it: an honest packet has at most four */

/* What the IP headers say about a packet. */
struct request {
	uint8_t *src; /* addresses, in the packet */
	uint8_t *dst;
	size_t address_size;
	uint8_t *l4;
	size_t l4_len; /* in this packet */
	size_t total;  /* bytes of the packet, without what pads it */
	uint8_t proto;
	bool first; /* not a later fragment: the transport header is here */
	bool more;  /* a fragment that is not the last */
};

static uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void put_be16(uint8_t *p, uint16_t value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

static uint16_t fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)(sum + (sum >> 16));
}

/* The checksum after a word that it covers has changed: RFC 1624, equation 3. */
static void update_checksum(uint8_t *checksum, uint16_t before, uint16_t after)
{
	uint32_t sum = (uint16_t)~be16(checksum);

	sum += (uint16_t)~before;
	sum += after;
	put_be16(checksum, (uint16_t)~fold(sum));
}

static bool header_checksum_ok(const uint8_t *header, size_t hlen)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < hlen; i += 2)
		sum += be16(header + i);
	return fold(sum) == 0xffff;
}

static bool read_ipv4(uint8_t *packet, size_t len, struct request *ret)
{
	size_t hlen, total;
	uint16_t fragment;

	if (len < IPV4_HLEN)
		return false;
	hlen = (packet[0] & 0xfU) * 4;
	total = be16(packet + 2);
	if (hlen < IPV4_HLEN || total < hlen || total > len || !header_checksum_ok(packet, hlen))
		return false;
	fragment = be16(packet + 6);
	*ret = (struct request){
		.src = packet + 12,
		.dst = packet + 16,
		.address_size = 4,
		.l4 = packet + hlen,
		.l4_len = total - hlen,
		.total = total,
		.proto = packet[9],
		.first = !(fragment & 0x1fff),
		.more = fragment & 0x2000,
	};
	return true;
}

/* One extension header. Returns its size, 0: it is none, or none that an answer can carry. */
static size_t read_extension(const uint8_t *header, struct request *q)
{
	switch (q->proto) {
	case IPPROTO_ROUTING:
		/* Segments are left: the destination in the header is not the last one. */
		if (header[3])
			return 0;
		break;
	case IPPROTO_FRAGMENT:
		q->first = !(be16(header + 2) & 0xfff8);
		q->more = header[3] & 1;
		return EXTENSION_MIN;
	case IPPROTO_HOPOPTS:
	case IPPROTO_DSTOPTS:
		break;
	default:
		return 0;
	}
	return (header[1] + 1U) * 8;
}

static bool read_ipv6(uint8_t *packet, size_t len, struct request *ret)
{
	size_t size;

	if (len < IPV6_HLEN || len - IPV6_HLEN < be16(packet + 4))
		return false;
	*ret = (struct request){
		.src = packet + 8,
		.dst = packet + 24,
		.address_size = 16,
		.l4 = packet + IPV6_HLEN,
		.l4_len = be16(packet + 4),
		.total = IPV6_HLEN + (size_t)be16(packet + 4),
		.proto = packet[6],
		.first = true,
	};
	for (int i = 0; i < EXTENSIONS_MAX && ret->first && ret->l4_len >= EXTENSION_MIN; i++) {
		size = read_extension(ret->l4, ret);
		if (!size)
			break;
		if (size > ret->l4_len)
			return false;
		ret->proto = ret->l4[0];
		ret->l4 += size;
		ret->l4_len -= size;
	}
	return true;
}

/* One host's address, of which an answer may come, and to which one may go. */
static bool is_host_address(const uint8_t *address, size_t size)
{
	struct in6_addr a6;

	if (size == 4)
		return address[0] != 0 && address[0] != 127 && address[0] < 224;
	memcpy(&a6, address, sizeof(a6));
	return !IN6_IS_ADDR_UNSPECIFIED(&a6) && !IN6_IS_ADDR_LOOPBACK(&a6) &&
	       !IN6_IS_ADDR_MULTICAST(&a6);
}

static bool bits_equal(const uint8_t *a, const uint8_t *b, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		if ((a[i / 8] ^ b[i / 8]) & 0x80 >> i % 8)
			return false;
	return true;
}

static bool net_has(const struct prefix *net, const uint8_t *address, size_t size)
{
	return prefix_addr_size(net) == size && prefix_contains(net, address);
}

/* RFC 919; networks of /31 (RFC 3021) and /32 have no broadcast address. */
static bool is_broadcast(const struct prefix *net, const uint8_t *address, size_t size)
{
	static const uint8_t ones[4] = { 0xff, 0xff, 0xff, 0xff };

	return size == 4 && net->len <= 30 && net_has(net, address, size) &&
	       bits_equal(ones, address, net->len, 32);
}

static bool may_answer(const struct request *q, const struct prefix *nets, size_t n_nets)
{
	bool found = false;

	if (!is_host_address(q->src, q->address_size) || !is_host_address(q->dst, q->address_size))
		return false;
	for (size_t i = 0; i < n_nets; i++) {
		const struct prefix *net = &nets[i];

		if (is_broadcast(net, q->src, q->address_size) ||
		    is_broadcast(net, q->dst, q->address_size))
			return false;
		found = found || net_has(net, q->dst, q->address_size);
	}
	return found;
}

static bool answer_icmp(struct request *q, uint8_t request, uint8_t reply)
{
	if (q->l4_len < ICMP_HLEN || q->l4[0] != request)
		return false;
	q->l4[0] = reply;
	update_checksum(q->l4 + 2, (uint16_t)(request << 8 | q->l4[1]),
			(uint16_t)(reply << 8 | q->l4[1]));
	return true;
}

static bool answer_icmp4(struct request *q)
{
	return answer_icmp(q, ICMP_ECHO, ICMP_ECHOREPLY);
}

static bool answer_icmp6(struct request *q)
{
	return answer_icmp(q, ICMP6_ECHO_REQUEST, ICMP6_ECHO_REPLY);
}

static bool answer_udp(struct request *q)
{
	uint16_t sport, length;

	if (q->l4_len < UDP_HLEN || be16(q->l4 + 2) != ECHO_PORT)
		return false;
	sport = be16(q->l4);
	length = be16(q->l4 + 4);
	/* Two echo ports would answer each other for ever; port 0 wants no answer (RFC 768). */
	if (sport == ECHO_PORT || !sport)
		return false;
	/* A first fragment is shorter than its datagram. */
	if (length < UDP_HLEN || (length > q->l4_len && !q->more))
		return false;
	/* Only IPv4 allows no checksum (RFC 8200, 8.1). */
	if (q->address_size == 16 && !be16(q->l4 + 6))
		return false;
	put_be16(q->l4, ECHO_PORT);
	put_be16(q->l4 + 2, sport);
	return true;
}

static bool answer(struct request *q)
{
	static const struct {
		uint8_t proto;
		size_t address_size; /* 0: both */
		bool (*answer)(struct request *q);
	} services[] = {
		{ IPPROTO_ICMP, 4, answer_icmp4 },
		{ IPPROTO_ICMPV6, 16, answer_icmp6 },
		{ IPPROTO_UDP, 0, answer_udp },
	};

	for (size_t i = 0; i < ARRAY_SIZE(services); i++) {
		if (services[i].proto != q->proto)
			continue;
		if (services[i].address_size && services[i].address_size != q->address_size)
			continue;
		return !q->first || services[i].answer(q);
	}
	return false;
}

static void swap_addresses(struct request *q)
{
	uint8_t src[16];

	memcpy(src, q->src, q->address_size);
	memcpy(q->src, q->dst, q->address_size);
	memcpy(q->dst, src, q->address_size);
}

static void set_ttl(uint8_t *packet)
{
	uint16_t before = be16(packet + 8); /* TTL and protocol */

	packet[8] = ANSWER_TTL;
	update_checksum(packet + 10, before, be16(packet + 8));
}

size_t echo_reply(uint8_t *packet, size_t len, const struct prefix *nets, size_t n_nets)
{
	struct request q;
	uint8_t version = len ? packet[0] >> 4 : 0;

	if (version == 4 ? !read_ipv4(packet, len, &q)
			 : version != 6 || !read_ipv6(packet, len, &q))
		return 0;
	if (!may_answer(&q, nets, n_nets) || !answer(&q))
		return 0;
	swap_addresses(&q);
	if (version == 4)
		set_ttl(packet);
	else
		packet[7] = ANSWER_TTL;
	return q.total;
}
