/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Echo replies: no look-up finds the socket of a ping, so who asked is remembered by the request's
 * identifier and device, as long as the tap is there.
 */
#ifndef USN_ECHO_BPF_H
#define USN_ECHO_BPF_H

#include "context.bpf.h"
#include "maps.bpf.h"
#include "writers.bpf.h"

#define ICMP_ECHOREPLY 0
#define ICMP_ECHO 8
#define ICMPV6_ECHO_REQUEST 128
#define ICMPV6_ECHO_REPLY 129

struct echo_key {
	__u32 ifindex;
	__u16 id; /* as in the packet */
	__u16 v6;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct echo_key);
	__type(value, struct usn_owner);
} echoes SEC(".maps");

struct echo {
	__u8 type, code;
	__u16 check, id;
};

static __always_inline void echo_sent(struct __sk_buff *skb, const struct usn_packet_owner *p)
{
	bool v4 = CTX_READ(skb, protocol) == bpf_htons(ETH_P_IP);
	struct echo_key key = { .ifindex = CTX_READ(skb, ifindex), .v6 = !v4 };
	struct usn_owner o = { .cookie = p->cookie, .cgroup_id = p->cgroup_id };
	__u8 protocol, vhl = 0;
	struct echo e;

	if (bpf_skb_load_bytes(skb, v4 ? 9 : 6, &protocol, 1) ||
	    protocol != (v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6))
		return;
	if (v4 && bpf_skb_load_bytes(skb, 0, &vhl, 1))
		return;
	if (bpf_skb_load_bytes(skb, v4 ? (vhl & 15) * 4 : 40, &e, sizeof(e)) ||
	    e.type != (v4 ? ICMP_ECHO : ICMPV6_ECHO_REQUEST))
		return;
	key.id = e.id;
	copy_process(&o.pid, &p->pid);
	bpf_map_update_elem(&echoes, &key, &o, BPF_ANY);
}

static __always_inline const struct usn_owner *echo_answered(struct __sk_buff *skb, __u32 at)
{
	bool v4 = CTX_READ(skb, protocol) == bpf_htons(ETH_P_IP);
	struct echo_key key = { .ifindex = CTX_READ(skb, ifindex), .v6 = !v4 };
	struct echo e;

	if (bpf_skb_load_bytes(skb, at, &e, sizeof(e)) ||
	    e.type != (v4 ? ICMP_ECHOREPLY : ICMPV6_ECHO_REPLY))
		return NULL;
	key.id = e.id;
	return bpf_map_lookup_elem(&echoes, &key);
}

#endif
