/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whose packet it is that a tap sees: by its socket on the way out,
 * by a look-up of the socket on the way in.
 *
 * What has no socket (the kernel's own answers, what the host forwards) has no
 * owner, and none is made up.
 */
#ifndef USN_PACKET_OWNER_BPF_H
#define USN_PACKET_OWNER_BPF_H

#include "binding.bpf.h"
#include "compiler.bpf.h"
#include "context.bpf.h"
#include "echo.bpf.h"
#include "likely.bpf.h"
#include "maps.bpf.h"
#include "owner.bpf.h"
#include "tap_constants.h"
#include "writers.bpf.h"

/* The command to select, with TAP_ONLY_COMM; set before the object is loaded. */
const volatile char only_comm[USN_COMM_SIZE];

/*
 * Linux 6.2. Before, flags are unknown, and so is who made a socket that has neither
 * sent, bound nor connected.
 */
extern void *bpf_cast_to_kern_ctx(void *obj) __ksym __weak;
extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym __weak;

/*
 * Whether the socket of a packet out was made in the cgroup or below.
 * A level is counted from the root of all, which a namespace may hide: each is tried.
 */
static __always_inline bool sends_in_cgroup(struct __sk_buff *skb)
{
	int level;

	for (level = CGROUP_LEVELS; level > 0; level--) {
		if (bpf_skb_ancestor_cgroup_id(skb, level) == TAP_CONSTANT(TAP_ONLY_CGROUP))
			return true;
	}
	return false;
}

/*
 * The same of a socket that was looked up, for which a filter has no helper.
 * Not inline: it would leave too few registers for the verifier to follow the caller.
 */
static __noinline bool gets_in_cgroup(const struct bpf_sock *sk, __u64 cgroup_id)
{
	struct cgroup *c, *above = NULL;
	struct sock *kernel;
	int level, last;

	if (!bpf_rdonly_cast || !bpf_core_field_exists(struct cgroup, ancestors))
		return false;
	kernel = bpf_rdonly_cast(sk, bpf_core_type_id_kernel(struct sock));
	/*
	 * Read like this, the pointers are numbers to the verifier, and an array can be walked.
	 * They are not const, because clang 22 warns of how the header of libbpf
	 * 1.1 reads from what is.
	 */
	c = BPF_CORE_READ(kernel, sk_cgrp_data.cgroup);
	last = BPF_CORE_READ(c, level);
	for (level = 1; level <= CGROUP_LEVELS; level++) {
		COUNTED(level);
		if (level > last)
			break;
		bpf_probe_read_kernel(&above, sizeof(above), &c->ancestors[0] + level);
		if (BPF_CORE_READ(above, kn, id) == cgroup_id)
			return true;
	}
	return false;
}

/*
 * What is still in its slot moves into the socket's storage, for when the slot is another socket's.
 */
static __always_inline void owner_of_stored(struct usn_packet_owner *p, struct bpf_sock *sk)
{
	const struct usn_owner *stored = bpf_sk_storage_get(&owners, sk, NULL, 0);
	struct usn_owner newborn;

	if (stored) {
		owned_by(p, stored);
	} else if (owner_of_newborn(p->cookie, &newborn)) {
		bpf_sk_storage_get(&owners, sk, &newborn, BPF_SK_STORAGE_GET_F_CREATE);
		owned_by(p, &newborn);
	} else {
		owned_by_nobody(p);
	}
}

/* 0: it has none yet, or the kernel lets nobody look. */
static __always_inline __u64 cookie_of(const void *sk)
{
	const struct sock *kernel;

	if (!bpf_rdonly_cast)
		return 0;
	kernel = bpf_rdonly_cast(sk, bpf_core_type_id_kernel(struct sock));
	return kernel->__sk_common.skc_cookie.counter;
}

static __always_inline bool may_send_echoes(const struct bpf_sock *sk)
{
	__u32 protocol = CTX_READ(sk, protocol);

	return protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6 ||
	       CTX_READ(sk, type) == SOCK_RAW;
}

static __always_inline void look_at_sock(struct usn_packet_owner *p, struct writers *w,
					 struct bpf_sock *sk, __u64 cookie)
{
	struct recent *r = recent_of(w, cookie);

	p->cookie = cookie;
	if (recall_owner(r, cookie, p))
		return;
	owner_of_stored(p, sk);
	if (p->pid)
		remember_owner(r, p, may_send_echoes(sk));
}

/*
 * As look_out(), of a socket that was not seen lately, or whose packets are looked into.
 * What it works with is not in the ring, where the reader could change it.
 */
static __noinline void look_out_slowly(struct usn_packet_owner *ret, struct writers *w,
				       struct __sk_buff *skb, bool echoes)
{
	struct bpf_sock *half = CTX_READ(skb, sk), *sk = NULL;
	struct usn_packet_owner p = {};

	if (half)
		sk = bpf_sk_fullsock(half);
	/* A SYN-ACK is of a connection that is not there yet: of the listener. */
	if (half && !sk)
		sk = bpf_get_listener_sock(half);
	if (sk) {
		look_at_sock(&p, w, sk, bpf_get_socket_cookie(skb));
		if (p.pid && echoes && may_send_echoes(sk))
			echo_sent(skb, &p);
	}
	*ret = p;
}

/* echoes: a request is to be remembered, so that its reply has an owner. */
static __always_inline void look_out(struct usn_packet_owner *p, struct writers *w,
				     struct __sk_buff *skb, bool echoes)
{
	const struct bpf_sock *half = CTX_READ(skb, sk);
	__u64 cookie = half ? cookie_of(half) : 0;
	const struct recent *r = recent_of(w, cookie);

	p->cookie = cookie;
	if (likely(recall_owner(r, cookie, p) && !r->echoes))
		return;
	look_out_slowly(p, w, skb, echoes);
}

struct flow {
	struct bpf_sock_tuple tuple;
	__u32 at; /* of the transport header */
	__u8 protocol;
};

/* False: it has no ports that could be looked at. */
static __always_inline bool read_flow4(struct flow *f, struct __sk_buff *skb)
{
	struct {
		__u8 vhl, tos;
		__u16 len, id, frag;
		__u8 ttl, protocol;
		__u16 check;
		__u32 src, dst;
	} ip;

	if (bpf_skb_load_bytes(skb, 0, &ip, sizeof(ip)) || ip.frag & bpf_htons(0x1fff))
		return false;
	f->tuple.ipv4.saddr = ip.src;
	f->tuple.ipv4.daddr = ip.dst;
	f->at = (ip.vhl & 15) * 4;
	f->protocol = ip.protocol;
	return true;
}

static __always_inline bool read_flow6(struct flow *f, struct __sk_buff *skb)
{
	struct {
		__u32 flow;
		__u16 len;
		__u8 next, hops;
		__u32 src[4], dst[4];
	} ip;

	if (bpf_skb_load_bytes(skb, 0, &ip, sizeof(ip)))
		return false;
	__builtin_memcpy(f->tuple.ipv6.saddr, ip.src, sizeof(ip.src));
	__builtin_memcpy(f->tuple.ipv6.daddr, ip.dst, sizeof(ip.dst));
	f->at = sizeof(ip);
	f->protocol = ip.next;
	return true;
}

static __always_inline bool read_ports(struct flow *f, struct __sk_buff *skb, bool v4)
{
	__u16 ports[2];

	if (bpf_skb_load_bytes(skb, f->at, ports, sizeof(ports)))
		return false;
	if (v4) {
		f->tuple.ipv4.sport = ports[0];
		f->tuple.ipv4.dport = ports[1];
	} else {
		f->tuple.ipv6.sport = ports[0];
		f->tuple.ipv6.dport = ports[1];
	}
	return true;
}

/* True: an echo reply, and an owner asked for it. */
static __always_inline bool look_for_asker(struct usn_packet_owner *p, struct __sk_buff *skb,
					   __u32 at)
{
	const struct usn_owner *asker = echo_answered(skb, at);

	if (!asker)
		return false;
	p->cookie = asker->cookie;
	owned_by(p, asker);
	return true;
}

/*
 * The socket that will get it, connected or listening, as the device's sockets are looked up. True:
 * it was made in the cgroup or below.
 */
static __always_inline bool look_for_sock(struct usn_packet_owner *p, struct writers *w,
					  struct __sk_buff *skb, __u64 cgroup_id)
{
	bool v4 = CTX_READ(skb, protocol) == bpf_htons(ETH_P_IP), in_cgroup;
	struct flow f = {};
	/* Not in memory, where the verifier may lose what it knows of it. */
	__u32 size = v4 ? sizeof(f.tuple.ipv4) : sizeof(f.tuple.ipv6);
	struct bpf_sock *sk = NULL;

	if (!(v4 ? read_flow4(&f, skb) : read_flow6(&f, skb)))
		return false;
	if (f.protocol == IPPROTO_ICMP || f.protocol == IPPROTO_ICMPV6)
		return look_for_asker(p, skb, f.at);
	if (f.protocol != IPPROTO_TCP && f.protocol != IPPROTO_UDP)
		return false;
	if (!read_ports(&f, skb, v4))
		return false;
	if (f.protocol == IPPROTO_TCP)
		sk = bpf_sk_lookup_tcp(skb, &f.tuple, size, BPF_F_CURRENT_NETNS, 0);
	else
		sk = bpf_sk_lookup_udp(skb, &f.tuple, size, BPF_F_CURRENT_NETNS, 0);
	if (!sk)
		return false;
	in_cgroup = cgroup_id && gets_in_cgroup(sk, cgroup_id);
	look_at_sock(p, w, sk, cookie_of(sk));
	bpf_sk_release(sk);
	return in_cgroup;
}

static __noinline bool look_in(struct usn_packet_owner *ret, struct writers *w,
			       struct __sk_buff *skb, __u64 cgroup_id)
{
	struct usn_packet_owner p = {};
	bool in_cgroup = look_for_sock(&p, w, skb, cgroup_id);

	*ret = p;
	return in_cgroup;
}

/* Whether there is anything to select. */
static __always_inline bool selects(void)
{
	return TAP_CONSTANT(TAP_ONLY_CGROUP) || TAP_CONSTANT(TAP_ONLY_PID) ||
	       TAP_CONSTANT(TAP_ONLY_COMM);
}

static __always_inline bool is_selected(const struct usn_packet_owner *p, bool in_cgroup)
{
	int i;

	if (TAP_CONSTANT(TAP_ONLY_CGROUP) && !in_cgroup &&
	    p->cgroup_id != TAP_CONSTANT(TAP_ONLY_CGROUP))
		return false;
	if (!TAP_CONSTANT(TAP_ONLY_PID) && !TAP_CONSTANT(TAP_ONLY_COMM))
		return true;
	if (!p->pid || (TAP_CONSTANT(TAP_ONLY_PID) && p->pid != TAP_CONSTANT(TAP_ONLY_PID)))
		return false;
	if (!TAP_CONSTANT(TAP_ONLY_COMM))
		return true;
	for (i = 0; i < USN_COMM_SIZE; i++) {
		if (p->comm[i] != only_comm[i])
			return false;
		if (!only_comm[i])
			break;
	}
	return true;
}

/* True: its socket was made in TAP_ONLY_CGROUP or below. */
static __always_inline bool look_at(struct usn_packet_owner *p, struct writers *w,
				    struct __sk_buff *skb, __u8 direction)
{
	__u64 cgroup_id = TAP_CONSTANT(TAP_ONLY_CGROUP);
	bool in_cgroup;

	if (direction == USN_DIR_IN)
		return look_in(p, w, skb, cgroup_id);
	in_cgroup = cgroup_id && sends_in_cgroup(skb);
	look_out(p, w, skb, !cgroup_id || in_cgroup);
	return in_cgroup;
}

/* As the kernel has them (enum in include/linux/skbuff.h). */
#define CHECKSUM_UNNECESSARY 1
#define CHECKSUM_PARTIAL 3

static __always_inline __u8 packet_flags(struct __sk_buff *skb, __u32 gso_size)
{
	__u8 flags = unlikely(gso_size) ? USN_PACKET_GSO : 0;

	if (bpf_cast_to_kern_ctx) {
		struct sk_buff *kernel = bpf_cast_to_kern_ctx(skb);
		__u64 summed = BPF_CORE_READ_BITFIELD(kernel, ip_summed);

		if (summed == CHECKSUM_PARTIAL)
			flags |= USN_PACKET_CHECKSUM_OPEN;
		else if (summed == CHECKSUM_UNNECESSARY)
			flags |= USN_PACKET_CHECKSUM_GOOD;
	}
	return flags;
}

#endif
