/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Exemptions: whether a run may reach an address past its device. */
#ifndef USN_RULES_BPF_H
#define USN_RULES_BPF_H

#include <bpf/bpf_endian.h>

#include "compiler.bpf.h"
#include "maps.bpf.h"

/* An address as rules have it, v4 mapped into v6, and what is known of the port. */
struct place {
	__u32 addr[4]; /* network order */
	__u16 port;    /* host order */
	__u16 protocol;
};

static __always_inline void place4(struct place *p, __u32 ip)
{
	p->addr[0] = p->addr[1] = 0;
	p->addr[2] = bpf_htonl(0xffff);
	p->addr[3] = ip;
}

/* ::ffff:a.b.c.d */
static __always_inline bool is_mapped(const __u32 addr[4])
{
	return !(addr[0] | addr[1]) && addr[2] == bpf_htonl(0xffff);
}

static __always_inline bool is_v4(const struct place *p)
{
	return is_mapped(p->addr);
}

static __always_inline bool is_unspecified(const struct place *p)
{
	return !(p->addr[0] | p->addr[1] | p->addr[3]) &&
	       (!p->addr[2] || p->addr[2] == bpf_htonl(0xffff));
}

/* 127.0.0.0/8 and ::1 */
static __always_inline bool is_loopback(const struct place *p)
{
	if (is_v4(p))
		return (p->addr[3] & bpf_htonl(0xff000000)) == bpf_htonl(0x7f000000);
	return !(p->addr[0] | p->addr[1] | p->addr[2]) && p->addr[3] == bpf_htonl(1);
}

static __always_inline __u8 base_protocol(__u16 protocol)
{
	if (protocol == IPPROTO_MPTCP)
		return IPPROTO_TCP;
	return protocol == IPPROTO_UDPLITE ? IPPROTO_UDP : protocol;
}

static __always_inline bool rule_covers(const struct usn_rule *rule, const struct place *p)
{
	__u8 protocol = base_protocol(p->protocol);
	__u32 i;

	for (i = 0; i < USN_RULES_MAX; i++) {
		const struct usn_ports *r;

		COUNTED(i);
		if (i >= rule->n)
			return false;
		r = &rule->ports[i];
		if ((!r->protocol || r->protocol == protocol) && p->port >= r->first &&
		    p->port <= r->last)
			return true;
	}
	return false;
}

static __always_inline bool ruleset_covers(__u32 ruleset, const struct place *p)
{
	struct usn_rule_key key = { .prefixlen = 32 + 128, .ruleset = ruleset };
	const struct usn_rule *rule;

	__builtin_memcpy(key.addr, p->addr, sizeof(key.addr));
	rule = bpf_map_lookup_elem(&rules, &key);
	return rule && rule_covers(rule, p);
}

/*
 * Loopback needs no lookup; anything else at most one for the run's rules and one
 * for the host's addresses.
 */
static __always_inline bool is_exempt(const struct usn_binding *b, const struct place *p)
{
	if (b->flags & USN_BIND_LOOPBACK && is_loopback(p))
		return true;
	if (b->ruleset && ruleset_covers(b->ruleset, p))
		return true;
	return b->flags & USN_BIND_LOCAL && ruleset_covers(USN_RULESET_LOCAL, p);
}

#endif
