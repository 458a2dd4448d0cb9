// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The guard: what a bind alone lets out, and what stops it here.
 *
 *   setsockopt   refuses the application, root or not, that moves its socket to another device,
 *                or joins a group there
 *   sendmsg      refuses a datagram to a foreign address from a socket that is off the device
 *   egress       drops whatever is left: a packet that is about to leave by another device
 *
 * Packets that egress drops are, among others: of the inner sockets of MPTCP; with an interface in
 * IP_PKTINFO; of raw sockets that were disconnected, which unbinds them without any program.
 */
#include "vmlinux.h"

#include <stdbool.h>
#include <stddef.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "binding.bpf.h"
#include "context.bpf.h"
#include "option.bpf.h"
#include "packet.bpf.h"
#include "send.bpf.h"

/*
 * current_binding() for programs of setsockopt, which may ask for the cgroups above the caller's
 * only since Linux 6.1. Before that a cgroup has their ids in itself.
 */
static __always_inline const struct usn_binding *binding_of_caller(void)
{
	struct cgroup___before_6_1 *c;
	const struct usn_binding *b;
	__u32 level, i;
	__u64 id;

	if (!bpf_core_field_exists(struct cgroup___before_6_1, ancestor_ids))
		return current_binding();
	c = (void *)BPF_CORE_READ((struct task_struct *)bpf_get_current_task(), cgroups, dfl_cgrp);
	level = BPF_CORE_READ(c, level);
	for (i = 0; i <= CGROUP_LEVELS; i++) {
		COUNTED(i);
		if (level < i ||
		    bpf_probe_read_kernel(&id, sizeof(id), &c->ancestor_ids[0] + (level - i)))
			break;
		b = bpf_map_lookup_elem(&bindings, &id);
		if (b)
			return b;
	}
	return NULL;
}

SEC("cgroup/setsockopt")
int usn_setsockopt(struct bpf_sockopt *ctx)
{
	const struct usn_binding *b;
	struct option o;

	option_of(&o, ctx);
	b = is_device_option(ctx, &o) ? binding_of_caller() : NULL;
	return b ? decide_option(ctx, &o, b) : ALLOW;
}

SEC("cgroup/sendmsg4")
int usn_sendmsg4(struct bpf_sock_addr *ctx)
{
	const struct usn_binding *b = current_binding();
	struct place p;

	if (!b)
		return ALLOW;
	place_of4(&p, ctx);
	return decide_send(ctx, b, &p, true);
}

SEC("cgroup/sendmsg6")
int usn_sendmsg6(struct bpf_sock_addr *ctx)
{
	const struct usn_binding *b = current_binding();
	struct place p;

	if (!b)
		return ALLOW;
	place_of6(&p, ctx);
	return decide_send(ctx, b, &p, false);
}

/*
 * The binding of the cgroup that the packet's socket was made in, or of the nearest one above it.
 */
static __always_inline const struct usn_binding *binding_of_packet(struct __sk_buff *skb)
{
	__u64 id = bpf_skb_cgroup_id(skb);
	const struct usn_binding *b = bpf_map_lookup_elem(&bindings, &id);
	int level;

	for (level = CGROUP_LEVELS; !b && level > 0; level--) {
		id = bpf_skb_ancestor_cgroup_id(skb, level);
		if (id)
			b = bpf_map_lookup_elem(&bindings, &id);
	}
	return b;
}

SEC("cgroup_skb/egress")
int usn_egress(struct __sk_buff *skb)
{
	const struct bpf_sock *sk = CTX_READ(skb, sk);
	__u32 bound = sk ? CTX_READ(sk, bound_dev_if) : 0;
	const struct usn_binding *b;

	/*
	 * Not the socket's bind but the run's decides: the kernel moves a socket to another device
	 * when it binds to an IPv6 link-local address with a scope (__inet6_bind), and makes
	 * subflows of Multipath TCP on the device of an endpoint (ip mptcp endpoint ... dev).
	 */
	b = binding_of_packet(skb);
	return b ? decide_packet(skb, b, bound) : ALLOW;
}

char _license[] SEC("license") = "Dual BSD/GPL";
