/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whose packet it is that a tap sees: by its socket on the way out, by a look-up of the socket on the way in.
 *
 * What has no socket (the kernel's own answers, what the host forwards) has no owner, and none is made up.
 */
#ifndef USN_TAPPED_BPF_H
#define USN_TAPPED_BPF_H

#include "binding.bpf.h"
#include "echo.bpf.h"
#include "maps.bpf.h"
#include "owner.bpf.h"
#include "tap_constants.h"
#include "writers.bpf.h"

/* The command to select, with TAP_ONLY_COMM; set before the object is loaded. */
const volatile char only_comm[USN_COMM_SIZE];

/* Linux 6.2. Before, flags are unknown, and so is who made a socket that has neither sent, bound nor connected. */
extern void *bpf_cast_to_kern_ctx(void *obj) __ksym __weak;
extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym __weak;

struct tapped {
	const struct usn_owner *owner; /* NULL: unknown */
	struct usn_owner copy;
	__u64 cookie;
	bool in_cgroup; /* of TAP_ONLY_CGROUP */
};

/*
 * Whether the socket of a packet out was made in the cgroup or below. A level is counted from the root of all, which a
 * namespace may hide: each is tried.
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
 * The same of a socket that was looked up, for which a filter has no helper. Not inline: it would leave too few registers
 * for the verifier to follow the caller.
 */
static __noinline bool gets_in_cgroup(const struct bpf_sock *sk, __u64 cgroup_id)
{
	const struct cgroup *c, *above = NULL;
	const struct sock *kernel;
	int level, last;

	if (!bpf_rdonly_cast || !bpf_core_field_exists(struct cgroup, ancestors))
		return false;
	kernel = bpf_rdonly_cast(sk, bpf_core_type_id_kernel(struct sock));
	/* Read like this, the pointers are numbers to the verifier, and an array can be walked. */
	c = BPF_CORE_READ(kernel, sk_cgrp_data.cgroup);
	last = BPF_CORE_READ(c, level);
	for (level = 1; level <= CGROUP_LEVELS && level <= last; level++) {
		bpf_probe_read_kernel(&above, sizeof(above), &c->ancestors[0] + level);
		if (BPF_CORE_READ(above, kn, id) == cgroup_id)
			return true;
	}
	return false;
}

/* What is still in its slot moves into the socket's storage, for when the slot is another socket's. */
static __always_inline void owner_of_stored(struct tapped *t, struct bpf_sock *sk)
{
	t->owner = bpf_sk_storage_get(&owners, sk, NULL, 0);
	if (t->owner || !owner_of_newborn(t->cookie, &t->copy))
		return;
	t->owner = bpf_sk_storage_get(&owners, sk, &t->copy, BPF_SK_STORAGE_GET_F_CREATE);
	if (!t->owner)
		t->owner = &t->copy;
}

static __always_inline void owner_of_sock(struct tapped *t, struct writers *w, struct bpf_sock *sk)
{
	if (recall_owner(w, t->cookie, &t->copy)) {
		t->owner = &t->copy;
		return;
	}
	owner_of_stored(t, sk);
	if (t->owner)
		remember_owner(w, t->cookie, t->owner);
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

static __always_inline void look_out(struct tapped *t, struct writers *w, struct __sk_buff *skb)
{
	struct bpf_sock *half = skb->sk, *sk;

	if (!half)
		return;
	sk = bpf_sk_fullsock(half);
	/* A SYN-ACK is of a connection that is not there yet: of the listener. */
	if (!sk)
		sk = bpf_get_listener_sock(half);
	if (!sk)
		return;
	t->cookie = cookie_of(half);
	if (!t->cookie)
		t->cookie = bpf_get_socket_cookie(skb);
	t->in_cgroup = TAP_CONSTANT(TAP_ONLY_CGROUP) && sends_in_cgroup(skb);
	owner_of_sock(t, w, sk);
	if (t->owner && (!TAP_CONSTANT(TAP_ONLY_CGROUP) || t->in_cgroup) &&
	    (sk->protocol == IPPROTO_ICMP || sk->protocol == IPPROTO_ICMPV6 ||
	     sk->type == SOCK_RAW))
		echo_sent(skb, t->owner);
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

/* The socket that will get it, connected or listening, as the device's sockets are looked up. */
static __always_inline void look_in(struct tapped *t, struct writers *w, struct __sk_buff *skb)
{
	bool v4 = skb->protocol == bpf_htons(ETH_P_IP);
	struct flow f = {};
	/* Not in memory, where the verifier may lose what it knows of it. */
	__u32 size = v4 ? sizeof(f.tuple.ipv4) : sizeof(f.tuple.ipv6);
	struct bpf_sock *sk = NULL;

	if (!(v4 ? read_flow4(&f, skb) : read_flow6(&f, skb)))
		return;
	if (f.protocol == IPPROTO_ICMP || f.protocol == IPPROTO_ICMPV6) {
		t->owner = echo_answered(skb, f.at);
		t->in_cgroup = t->owner;
		if (t->owner)
			t->cookie = t->owner->cookie;
		return;
	}
	if (f.protocol != IPPROTO_TCP && f.protocol != IPPROTO_UDP)
		return;
	if (!read_ports(&f, skb, v4))
		return;
	if (f.protocol == IPPROTO_TCP)
		sk = bpf_sk_lookup_tcp(skb, &f.tuple, size, BPF_F_CURRENT_NETNS, 0);
	else
		sk = bpf_sk_lookup_udp(skb, &f.tuple, size, BPF_F_CURRENT_NETNS, 0);
	if (!sk)
		return;
	t->cookie = cookie_of(sk);
	t->in_cgroup =
		TAP_CONSTANT(TAP_ONLY_CGROUP) && gets_in_cgroup(sk, TAP_CONSTANT(TAP_ONLY_CGROUP));
	owner_of_sock(t, w, sk);
	bpf_sk_release(sk);
}

/* Whether there is anything to select. */
static __always_inline bool selects(void)
{
	return TAP_CONSTANT(TAP_ONLY_CGROUP) || TAP_CONSTANT(TAP_ONLY_PID) ||
	       TAP_CONSTANT(TAP_ONLY_COMM);
}

static __always_inline bool is_selected(const struct tapped *t)
{
	int i;

	if (TAP_CONSTANT(TAP_ONLY_CGROUP) && !t->in_cgroup &&
	    !(t->owner && t->owner->cgroup_id == TAP_CONSTANT(TAP_ONLY_CGROUP)))
		return false;
	if (!TAP_CONSTANT(TAP_ONLY_PID) && !TAP_CONSTANT(TAP_ONLY_COMM))
		return true;
	if (!t->owner ||
	    (TAP_CONSTANT(TAP_ONLY_PID) && t->owner->pid != TAP_CONSTANT(TAP_ONLY_PID)))
		return false;
	if (!TAP_CONSTANT(TAP_ONLY_COMM))
		return true;
	for (i = 0; i < USN_COMM_SIZE; i++) {
		if (t->owner->comm[i] != only_comm[i])
			return false;
		if (!only_comm[i])
			break;
	}
	return true;
}

static __always_inline void look_at(struct tapped *t, struct writers *w, struct __sk_buff *skb,
				    __u8 direction)
{
	if (direction == USN_DIR_OUT)
		look_out(t, w, skb);
	else
		look_in(t, w, skb);
}

/* As the kernel has them (enum in include/linux/skbuff.h). */
#define CHECKSUM_UNNECESSARY 1
#define CHECKSUM_PARTIAL 3

static __always_inline __u8 packet_flags(struct __sk_buff *skb)
{
	__u8 flags = skb->gso_size ? USN_PACKET_GSO : 0;

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
