// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* TCP (RFC 9293), UDP (RFC 768), UDP-Lite (RFC 3828), and others that begin with two ports. */
#include "capture/dissect_parts.h"

#define TCP_HLEN 20
#define UDP_HLEN 8

static void set_payload(struct packet_info *p, uint32_t len)
{
	p->has |= PACKET_PAYLOAD;
	p->payload_len = len;
}

bool dissect_ports(struct span s, struct packet_info *p)
{
	if (s.cap < 4)
		return packet_cut(p, PACKET_CUT_L4);
	p->has |= PACKET_PORTS;
	p->sport = be16(s.p);
	p->dport = be16(s.p + 2);
	return true;
}

bool dissect_tcp(struct span s, struct packet_info *p)
{
	uint32_t hlen;

	if (!dissect_ports(s, p))
		return false;
	if (s.cap < TCP_HLEN)
		return packet_cut(p, PACKET_CUT_L4);
	hlen = (s.p[12] >> 4) * 4;
	if (hlen < TCP_HLEN)
		return packet_bad(p, PACKET_BAD_TCP_SHORT, s.len - hlen, hlen);
	p->has |= PACKET_TCP;
	p->tcp_hlen = (uint8_t)hlen;
	p->tcp_seq = be32(s.p + 4);
	p->tcp_ack = be32(s.p + 8);
	p->tcp_flags = s.p[13];
	p->tcp_window = be16(s.p + 14);
	p->tcp_urgent = be16(s.p + 18);
	if (hlen > s.len)
		return packet_bad(p, PACKET_BAD_TCP_LONG, hlen, s.len);
	set_payload(p, s.len - hlen);
	return true;
}

bool dissect_udp(struct span s, struct packet_info *p)
{
	uint32_t len;

	if (!dissect_ports(s, p))
		return false;
	if (s.len < UDP_HLEN)
		return packet_bad(p, PACKET_BAD_UDP_SHORT, s.len, UDP_HLEN);
	if (s.cap < UDP_HLEN)
		return packet_cut(p, PACKET_CUT_L4);
	len = be16(s.p + 4);
	/* The field has no room for it (RFC 2675, 4). */
	if (!len && s.len > UINT16_MAX)
		len = s.len;
	if (len < UDP_HLEN)
		return packet_bad(p, PACKET_BAD_UDP_LEN, len, UDP_HLEN);
	set_payload(p, len - UDP_HLEN);
	/* A first fragment is shorter than its datagram. */
	if (len > s.len && !(p->has & PACKET_FRAGMENT))
		return packet_bad(p, PACKET_BAD_UDP_LONG, len - UDP_HLEN, s.len - UDP_HLEN);
	return true;
}

/* Where UDP has its length, UDP-Lite has the checksum's coverage: only IP knows the length. */
bool dissect_udplite(struct span s, struct packet_info *p)
{
	if (!dissect_ports(s, p))
		return false;
	if (s.cap < UDP_HLEN)
		return packet_cut(p, PACKET_CUT_L4);
	set_payload(p, s.len - UDP_HLEN);
	return true;
}
