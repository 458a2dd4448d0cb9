// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* ICMP (RFC 792), ICMPv6 (RFC 4443), with what MLD (RFC 2710, 3810) and ND (RFC 4861) are about. */
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <string.h>

#include "base/cleanup.h"
#include "capture/dissect_parts.h"

#define ICMP_HLEN 8
#define MLD2_REPORT 143

struct reader {
	uint8_t type;
	uint32_t size; /* bytes that have to be there */
	bool (*read)(struct span s, struct packet_info *p);
};

static bool read_echo(struct span s, struct packet_info *p)
{
	p->has |= PACKET_ECHO;
	p->echo_id = be16(s.p + 4);
	p->echo_seq = be16(s.p + 6);
	return true;
}

static bool read_arg(struct span s, struct packet_info *p)
{
	p->icmp_arg = be32(s.p + 4);
	return true;
}

/*
 * The packet that an error is about. Only its own layers are read, so quotes in quotes cost
 * nothing.
 */
static bool read_quote(struct span s, struct packet_info *p)
{
	uint8_t port_code = p->version == 4 ? ICMP_PORT_UNREACH : ICMP6_DST_UNREACH_NOPORT;
	struct span quoted = span_after(s, ICMP_HLEN);
	struct packet_info q;
	bool whole;

	read_arg(s, p);
	whole = dissect_network(&quoted, p->version, &q);
	if (!(q.has & PACKET_ADDRESSES))
		return packet_cut(p, PACKET_CUT_L4);
	memcpy(p->icmp_target, q.dst, sizeof(p->icmp_target));
	memcpy(p->icmp_gateway, q.src, sizeof(p->icmp_gateway));
	p->icmp_proto = q.proto;
	if (whole && quoted.cap >= 4)
		p->icmp_port = be16(quoted.p + 2);
	else if (p->icmp_code == port_code)
		return packet_cut(p, PACKET_CUT_L4);
	return true;
}

static bool read_redirect(struct span s, struct packet_info *p)
{
	memcpy(p->icmp_target, s.p + ICMP_HLEN + 16, 4);
	memcpy(p->icmp_gateway, s.p + 4, 4);
	return true;
}

static bool read_time_exceeded(struct span s, struct packet_info *p)
{
	memcpy(p->icmp_target, s.p + ICMP_HLEN + (p->version == 4 ? 16 : 24),
	       p->version == 4 ? 4 : 16);
	return true;
}

static bool read_pointer4(struct span s, struct packet_info *p)
{
	p->icmp_arg = s.p[4];
	return true;
}

static bool read_mask4(struct span s, struct packet_info *p)
{
	p->icmp_arg = be32(s.p + ICMP_HLEN);
	return true;
}

static bool read_unreachable4(struct span s, struct packet_info *p)
{
	if (!read_quote(s, p))
		return false;
	p->icmp_arg = be16(s.p + 6); /* MTU, RFC 1191 */
	return true;
}

static bool read_target(struct span s, struct packet_info *p)
{
	p->icmp_arg = be16(s.p + 4);
	memcpy(p->icmp_target, s.p + ICMP_HLEN, 16);
	return true;
}

static bool read_redirect6(struct span s, struct packet_info *p)
{
	memcpy(p->icmp_gateway, s.p + 8, 16);
	memcpy(p->icmp_target, s.p + 24, 16);
	return true;
}

static bool read_records(struct span s, struct packet_info *p)
{
	p->icmp_arg = be16(s.p + 6);
	return true;
}

static const struct reader icmp4_readers[] = {
	{ ICMP_ECHOREPLY, 8, read_echo },
	{ ICMP_ECHO, 8, read_echo },
	{ ICMP_DEST_UNREACH, 28, read_unreachable4 },
	{ ICMP_REDIRECT, 28, read_redirect },
	{ ICMP_TIME_EXCEEDED, 28, read_time_exceeded },
	{ ICMP_PARAMETERPROB, 5, read_pointer4 },
	{ ICMP_TIMESTAMP, 8, read_echo },
	{ ICMP_TIMESTAMPREPLY, 20, read_echo },
	{ ICMP_ADDRESSREPLY, 12, read_mask4 },
};

static const struct reader icmp6_readers[] = {
	{ ICMP6_DST_UNREACH, 8, read_quote },
	{ ICMP6_PACKET_TOO_BIG, 8, read_arg },
	{ ICMP6_TIME_EXCEEDED, 48, read_time_exceeded },
	{ ICMP6_PARAM_PROB, 48, read_arg },
	{ ICMP6_ECHO_REQUEST, 8, read_echo },
	{ ICMP6_ECHO_REPLY, 8, read_echo },
	{ MLD_LISTENER_QUERY, 24, read_target },
	{ MLD_LISTENER_REPORT, 24, read_target },
	{ MLD_LISTENER_REDUCTION, 24, read_target },
	{ ND_NEIGHBOR_SOLICIT, 24, read_target },
	{ ND_NEIGHBOR_ADVERT, 24, read_target },
	{ ND_REDIRECT, 40, read_redirect6 },
	{ MLD2_REPORT, 8, read_records },
};

static bool read_message(struct span s, const struct reader *readers, size_t n,
			 struct packet_info *p)
{
	if (s.cap < 2)
		return packet_cut(p, PACKET_CUT_L4);
	p->has |= PACKET_ICMP;
	p->icmp_type = s.p[0];
	p->icmp_code = s.p[1];
	if (s.len >= ICMP_HLEN) {
		p->has |= PACKET_PAYLOAD;
		p->payload_len = s.len - ICMP_HLEN;
	}
	for (size_t i = 0; i < n; i++) {
		if (readers[i].type != p->icmp_type)
			continue;
		if (s.cap < readers[i].size)
			return packet_cut(p, PACKET_CUT_L4);
		return readers[i].read(s, p);
	}
	return true;
}

bool dissect_icmp(struct span s, struct packet_info *p)
{
	return read_message(s, icmp4_readers, ARRAY_SIZE(icmp4_readers), p);
}

bool dissect_icmp6(struct span s, struct packet_info *p)
{
	return read_message(s, icmp6_readers, ARRAY_SIZE(icmp6_readers), p);
}
