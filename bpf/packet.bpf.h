/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the egress guard decides: a packet that is about to leave by another
 * device than its socket's run.
 */
#ifndef USN_PACKET_BPF_H
#define USN_PACKET_BPF_H

#include <bpf/bpf_endian.h>

#include "binding.bpf.h"
#include "context.bpf.h"
#include "rules.bpf.h"

struct ends {
	struct place src, dst;
};

static __always_inline bool read_ends4(struct __sk_buff *skb, struct ends *e, __u32 *at)
{
	struct {
		__u8 vhl, tos;
		__u16 len, id, frag;
		__u8 ttl, protocol;
		__u16 check;
		__u32 src, dst;
	} ip;

	if (bpf_skb_load_bytes(skb, 0, &ip, sizeof(ip)))
		return false;
	place4(&e->src, ip.src);
	place4(&e->dst, ip.dst);
	e->src.protocol = e->dst.protocol = ip.protocol;
	/* Later fragments have no ports: only rules for all ports let them out. */
	*at = ip.frag & bpf_htons(0x1fff) ? 0 : (ip.vhl & 15) * 4;
	return true;
}

static __always_inline bool read_ends6(struct __sk_buff *skb, struct ends *e, __u32 *at)
{
	struct {
		__u32 flow;
		__u16 len;
		__u8 next, hops;
		__u32 src[4], dst[4];
	} ip;

	if (bpf_skb_load_bytes(skb, 0, &ip, sizeof(ip)))
		return false;
	__builtin_memcpy(e->src.addr, ip.src, sizeof(ip.src));
	__builtin_memcpy(e->dst.addr, ip.dst, sizeof(ip.dst));
	e->src.protocol = e->dst.protocol = ip.next;
	*at = sizeof(ip);
	return true;
}

/*
 * Both ends of the packet: what is exempt is the far end of a client, or the near end of a server.
 */
static __always_inline bool is_exempt_packet(struct __sk_buff *skb, const struct usn_binding *b)
{
	bool v4 = CTX_READ(skb, protocol) == bpf_htons(ETH_P_IP);
	struct ends e = {};
	__u16 ports[2] = {};
	__u32 at = 0;
	__u8 protocol;

	if (!(v4 ? read_ends4(skb, &e, &at) : read_ends6(skb, &e, &at)))
		return false;
	protocol = base_protocol(e.src.protocol);
	if (at && (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP) &&
	    !bpf_skb_load_bytes(skb, at, ports, sizeof(ports))) {
		e.src.port = bpf_ntohs(ports[0]);
		e.dst.port = bpf_ntohs(ports[1]);
	}
	return is_exempt(b, &e.dst) || is_exempt(b, &e.src);
}

/* bound: what the packet's socket is bound to, 0: nothing. */
static __always_inline int decide_packet(struct __sk_buff *skb, const struct usn_binding *b,
					 __u32 bound)
{
	__u32 ifindex = CTX_READ(skb, ifindex);

	if (!(b->flags & USN_BIND_GUARD) || ifindex == b->ifindex)
		return ALLOW;
	/* The device's own addresses are reached by lo. */
	if (ifindex == LOOPBACK_IFINDEX && bound && bound == b->ifindex)
		return ALLOW;
	if (is_exempt_packet(skb, b))
		return ALLOW;
	if (bound)
		COUNT(b, dropped_strayed);
	else
		COUNT(b, dropped_unbound);
	return REFUSE;
}

#endif
