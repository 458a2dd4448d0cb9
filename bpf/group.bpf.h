/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What setsockopt decides about multicast and anycast groups: they are joined on the run's device.
 *
 * Without an interface the kernel takes the one that its routes lead to, whatever the socket
 * is bound to, and reports the group there by itself (ip_mc_find_dev, net/ipv4/igmp.c;
 * __ipv6_sock_mc_join, net/ipv6/mcast.c).
 */
#ifndef USN_GROUP_BPF_H
#define USN_GROUP_BPF_H

#include <bpf/bpf_endian.h>

#include "binding.bpf.h"
#include "context.bpf.h"

/* struct ip_mreqn; the kernel also takes it without the last, as struct ip_mreq. */
struct group4 {
	__u32 group, address, ifindex;
};

/* struct ip_mreq_source */
struct source4 {
	__u32 group, address, source;
};

/* struct ipv6_mreq */
struct group6 {
	__u32 group[4], ifindex;
};

/* What a caller of setsockopt(2) names. */
struct option {
	__s32 level, name;
};

static __always_inline bool is_group4(const struct option *o)
{
	return o->level == IPPROTO_IP &&
	       (o->name == IP_ADD_MEMBERSHIP || o->name == IP_DROP_MEMBERSHIP);
}

/*
 * The only one that has no place for an interface's number.
 * It begins a membership; the others about sources need one.
 */
static __always_inline bool is_source4(const struct option *o)
{
	return o->level == IPPROTO_IP && o->name == IP_ADD_SOURCE_MEMBERSHIP;
}

static __always_inline bool is_group6(const struct option *o)
{
	return o->level == IPPROTO_IPV6 &&
	       (o->name == IPV6_ADD_MEMBERSHIP || o->name == IPV6_DROP_MEMBERSHIP ||
		o->name == IPV6_JOIN_ANYCAST || o->name == IPV6_LEAVE_ANYCAST);
}

/* RFC 3678, section 5: of either family, and all begin with the interface. */
static __always_inline bool is_group_any(const struct option *o)
{
	return (o->level == IPPROTO_IP || o->level == IPPROTO_IPV6) &&
	       o->name >= MCAST_JOIN_GROUP && o->name <= MCAST_MSFILTER;
}

static __always_inline bool is_group_option(const struct option *o)
{
	return is_group4(o) || is_source4(o) || is_group6(o) || is_group_any(o);
}

static __always_inline int refuse_group(const struct usn_binding *b)
{
	COUNT(b, refused_option);
	return REFUSE;
}

/* None named is the run's device; another one is refused. On loopback a group is not reported. */
static __always_inline int put_on_device(const struct usn_binding *b, __u32 *ifindex)
{
	if (*ifindex == LOOPBACK_IFINDEX && b->flags & USN_BIND_LOOPBACK)
		return ALLOW;
	if (!b->ifindex || (*ifindex && *ifindex != b->ifindex))
		return refuse_group(b);
	*ifindex = b->ifindex;
	return ALLOW;
}

static __always_inline bool is_own_loopback(const struct usn_binding *b, __u32 address)
{
	return b->flags & USN_BIND_LOOPBACK &&
	       (address & bpf_htonl(0xff000000)) == bpf_htonl(0x7f000000);
}

/* A number is stronger than an address: so which address it is need not be known. */
static __always_inline int decide_group4(struct bpf_sockopt *ctx, const struct usn_binding *b)
{
	struct group4 *g = CTX_READ(ctx, optval);
	__s32 length = CTX_READ(ctx, optlen);

	/* The kernel gives a program 16 bytes at least; of shorter values it says what is wrong. */
	if ((void *)(g + 1) > CTX_READ(ctx, optval_end) ||
	    length < (int)offsetof(struct group4, ifindex))
		return ALLOW;
	if (length < (int)sizeof(*g))
		g->ifindex = 0;
	if (!g->ifindex && is_own_loopback(b, g->address))
		return ALLOW;
	if (length < (int)sizeof(*g))
		CTX_WRITE(ctx, optlen, sizeof(*g));
	return put_on_device(b, &g->ifindex);
}

static __always_inline int decide_source4(struct bpf_sockopt *ctx, const struct usn_binding *b)
{
	const struct source4 *s = CTX_READ(ctx, optval);

	if ((void *)(s + 1) <= CTX_READ(ctx, optval_end) && is_own_loopback(b, s->address))
		return ALLOW;
	return refuse_group(b);
}

/* For what is_group_option() has found. Values that are too short get an error from the kernel. */
static __always_inline int decide_group(struct bpf_sockopt *ctx, const struct option *o,
					const struct usn_binding *b)
{
	void *end = CTX_READ(ctx, optval_end);
	struct group6 *g = CTX_READ(ctx, optval);
	__u32 *first = (void *)g;

	if (is_group4(o))
		return decide_group4(ctx, b);
	if (is_source4(o))
		return decide_source4(ctx, b);
	if (is_group6(o))
		return (void *)(g + 1) <= end ? put_on_device(b, &g->ifindex) : ALLOW;
	return (void *)(first + 1) <= end ? put_on_device(b, first) : ALLOW;
}

#endif
