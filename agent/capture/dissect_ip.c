// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The network layer of a packet: IPv4 (RFC 791) and IPv6 (RFC 8200). */
#include <netinet/in.h>
#include <string.h>

#include "capture/dissect_parts.h"

#define IPV4_HLEN 20
#define IPV6_HLEN 40
#define FRAGMENT_HLEN 8

/* The packet ends where its IP header says, whatever follows; what is missing of it is noted. */
static void bound(struct span *s, uint32_t total, struct packet_info *p)
{
	p->missing = total > s->len ? total - s->len : 0;
	s->len = total;
	s->cap = s->cap < total ? s->cap : total;
}

static void ipv4_fragment(const uint8_t *h, uint32_t len, struct packet_info *p)
{
	uint16_t field = be16(h + 6);

	p->fragment_more = !!(field & 0x2000);
	p->fragment_offset = (field & 0x1fff) * 8;
	if (!p->fragment_more && !p->fragment_offset)
		return;
	p->has |= PACKET_FRAGMENT;
	p->fragment_len = len;
}

static bool network_ipv4(struct span *s, struct packet_info *p)
{
	uint32_t hlen, total;

	if (s->cap < 1)
		return packet_cut(p, PACKET_CUT_IP);
	if (s->p[0] >> 4 != 4)
		return packet_bad(p, PACKET_BAD_VERSION, s->p[0] >> 4, 4);
	if (s->cap < IPV4_HLEN)
		return packet_cut(p, PACKET_CUT_IP);
	hlen = (s->p[0] & 0xf) * 4;
	if (hlen < IPV4_HLEN)
		return packet_bad(p, PACKET_BAD_IP_HLEN, hlen, IPV4_HLEN);
	/* 0 is the length of a segment too long for the field, before it is cut up (BIG TCP). */
	total = be16(s->p + 2) ? be16(s->p + 2) : s->len;
	if (total < hlen)
		return packet_bad(p, PACKET_BAD_IP_LEN, total, hlen);

	p->has |= PACKET_ADDRESSES;
	p->hop_limit = s->p[8];
	p->proto = s->p[9];
	memcpy(p->src, s->p + 12, 4);
	memcpy(p->dst, s->p + 16, 4);
	ipv4_fragment(s->p, total - hlen, p);
	bound(s, total, p);
	if (s->cap < hlen)
		return packet_cut(p, PACKET_CUT_IP);
	p->l4_offset = hlen;
	*s = span_after(*s, hlen);
	return true;
}

static bool extension_known(uint8_t proto)
{
	return proto == IPPROTO_HOPOPTS || proto == IPPROTO_ROUTING || proto == IPPROTO_FRAGMENT ||
	       proto == IPPROTO_DSTOPTS;
}

static uint32_t extension_size(uint8_t proto, const uint8_t *header)
{
	return proto == IPPROTO_FRAGMENT ? FRAGMENT_HLEN : (header[1] + 1) * 8;
}

static void note_extension(struct span s, struct packet_info *p)
{
	p->extension[p->extensions++] = p->proto;
	if (p->proto == IPPROTO_ROUTING) {
		p->routing_len = s.p[1];
		p->routing_type = s.p[2];
		p->routing_left = s.p[3];
	}
	if (p->proto == IPPROTO_FRAGMENT) {
		p->has |= PACKET_FRAGMENT;
		p->fragment_offset = be16(s.p + 2) & 0xfff8;
		p->fragment_more = s.p[3] & 1;
		p->fragment_len = s.len > FRAGMENT_HLEN ? s.len - FRAGMENT_HLEN : 0;
	}
}

/*
 * Walks the chain of extension headers; s is then what follows it. Returns false if it is broken.
 */
static bool skip_extensions(struct span *s, struct packet_info *p)
{
	uint32_t size;

	while (extension_known(p->proto) && !packet_is_later_fragment(p)) {
		if (p->extensions == PACKET_EXTENSIONS_MAX)
			return packet_bad(p, PACKET_BAD_CHAIN, p->extensions,
					  PACKET_EXTENSIONS_MAX);
		if (s->cap < 8 || s->cap < extension_size(p->proto, s->p))
			return packet_cut(p, PACKET_CUT_EXTENSION);
		size = extension_size(p->proto, s->p);
		note_extension(*s, p);
		p->proto = s->p[0];
		p->l4_offset += size;
		*s = span_after(*s, size);
	}
	return true;
}

/*
 * A length of 0 is said in a jumbo option (RFC 2675), or is that of an uncut segment, or is true.
 */
static uint32_t ipv6_payload(const struct span *s)
{
	uint32_t field = be16(s->p + 4);

	if (field)
		return field;
	if (s->p[6] == IPPROTO_HOPOPTS || s->len > IPV6_HLEN + UINT16_MAX)
		return s->len > IPV6_HLEN ? s->len - IPV6_HLEN : 0;
	return 0;
}

static bool network_ipv6(struct span *s, struct packet_info *p)
{
	if (s->cap < 1)
		return packet_cut(p, PACKET_CUT_IP);
	if (s->p[0] >> 4 != 6)
		return packet_bad(p, PACKET_BAD_VERSION, s->p[0] >> 4, 6);
	if (s->cap < IPV6_HLEN)
		return packet_cut(p, PACKET_CUT_IP);

	p->has |= PACKET_ADDRESSES;
	p->proto = s->p[6];
	p->hop_limit = s->p[7];
	memcpy(p->src, s->p + 8, 16);
	memcpy(p->dst, s->p + 24, 16);
	bound(s, IPV6_HLEN + ipv6_payload(s), p);
	p->l4_offset = IPV6_HLEN;
	*s = span_after(*s, IPV6_HLEN);
	return skip_extensions(s, p);
}

bool dissect_network(struct span *s, uint8_t version, struct packet_info *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->version = version;
	if (version == 4)
		return network_ipv4(s, ret);
	return version == 6 && network_ipv6(s, ret);
}
