/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the files of the dissector share, and nobody else: a bounded view of bytes, and the layers.
 */
#ifndef USN_DISSECT_PARTS_H
#define USN_DISSECT_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/dissect.h"

/* A header and what follows it: cap bytes can be read, len are there by the header around it. */
struct span {
	const uint8_t *p;
	uint32_t cap;
	uint32_t len;
};

static inline uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t be32(const uint8_t *p)
{
	return (uint32_t)be16(p) << 16 | be16(p + 2);
}

/* What is behind the first n bytes; n is not more than cap. */
static inline struct span span_after(struct span s, uint32_t n)
{
	return (struct span){ s.p + n, s.cap - n, s.len > n ? s.len - n : 0 };
}

/* Both end the reading of a packet and return false, so that a layer can return them. */
static inline bool packet_cut(struct packet_info *p, uint8_t where)
{
	p->cut = where;
	return false;
}

static inline bool packet_bad(struct packet_info *p, uint8_t what, uint32_t a, uint32_t b)
{
	p->bad = what;
	p->bad_value[0] = a;
	p->bad_value[1] = b;
	return false;
}

static inline bool packet_is_later_fragment(const struct packet_info *p)
{
	return p->has & PACKET_FRAGMENT && p->fragment_offset;
}

/* The IP headers alone; s is then the transport layer. Returns false where that was not reached. */
bool dissect_network(struct span *s, uint8_t version, struct packet_info *ret);

/* The layers above, called with the first fragment or a whole packet. */
bool dissect_tcp(struct span s, struct packet_info *p);
bool dissect_udp(struct span s, struct packet_info *p);
bool dissect_udplite(struct span s, struct packet_info *p);
bool dissect_ports(struct span s, struct packet_info *p);
bool dissect_icmp(struct span s, struct packet_info *p);
bool dissect_icmp6(struct span s, struct packet_info *p);

#endif
