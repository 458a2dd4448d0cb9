// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The guard: what a bind alone lets out, and what stops it here.
 *
 *   setsockopt   the application, root or not, moves its socket to another device: refused
 *   sendmsg      a datagram to a foreign address from a socket that is off the device: refused
 *   egress       whatever is left, a packet that is about to leave by another device: dropped
 *
 * Packets that the last one drops are, among others: of the inner sockets of MPTCP, with an interface in
 * IP_PKTINFO, and of raw sockets that were disconnected (which unbinds them, without any program).
 */
#include "vmlinux.h"

#include <stdbool.h>
#include <stddef.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "addr.bpf.h"
#include "binding.bpf.h"
#include "maps.bpf.h"
#include "rules.bpf.h"

/* The kernel copies at most a page of the value; longer ones pass untouched when the length is 0. */
#define OPTION_MAX 4096

/* Whether the option says what is so already: ping -I usn0 in a run on usn0. */
static __always_inline bool names_own_device(const struct bpf_sockopt *ctx,
					     const struct usn_binding *b)
{
	const char *value = ctx->optval, *end = ctx->optval_end;
	__u32 i;

	if (ctx->optname == SO_BINDTOIFINDEX)
		return value + sizeof(__u32) <= end && *(const __u32 *)value == b->ifindex;
	for (i = 0; i < USN_NAME_SIZE; i++) {
		if (value + i + 1 > end)
			return !b->device[i] && i > 0;
		if (value[i] != b->device[i])
			return false;
		if (!value[i])
			return true;
	}
	return false;
}

SEC("cgroup/setsockopt")
int usn_setsockopt(struct bpf_sockopt *ctx)
{
	const struct usn_binding *b;

	if (ctx->level != SOL_SOCKET ||
	    (ctx->optname != SO_BINDTODEVICE && ctx->optname != SO_BINDTOIFINDEX)) {
		if (ctx->optlen > OPTION_MAX)
			ctx->optlen = 0;
		return ALLOW;
	}
	b = current_binding();
	if (!b || names_own_device(ctx, b))
		return ALLOW;
	COUNT(b, refused_option);
	return REFUSE;
}

/*
 * A socket is off the device after connect to an exempt address, or after connect(AF_UNSPEC), which unbinds
 * (__udp_disconnect, net/ipv4). This datagram's device was chosen before the program ran, so it cannot be
 * saved; the next one can, unless the socket is connected elsewhere.
 */
static __always_inline int on_sendmsg(struct bpf_sock_addr *ctx, const struct place *p)
{
	const struct usn_binding *b = current_binding();

	if (!b || !ctx->sk || ctx->sk->bound_dev_if || is_exempt(b, p))
		return ALLOW;
	if (!ctx->sk->dst_port)
		bind_socket(ctx, b);
	COUNT(b, refused_send);
	return REFUSE;
}

SEC("cgroup/sendmsg4")
int usn_sendmsg4(struct bpf_sock_addr *ctx)
{
	struct place p;

	place_of4(&p, ctx);
	return on_sendmsg(ctx, &p);
}

SEC("cgroup/sendmsg6")
int usn_sendmsg6(struct bpf_sock_addr *ctx)
{
	struct place p;

	place_of6(&p, ctx);
	return on_sendmsg(ctx, &p);
}

/* The binding of the cgroup that the packet's socket was made in, or of the nearest one above it. */
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

/* Both ends of the packet: what is exempt is the far end of a client, or the near end of a server. */
static __always_inline bool is_exempt_packet(struct __sk_buff *skb, const struct usn_binding *b)
{
	bool v4 = skb->protocol == bpf_htons(ETH_P_IP);
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

SEC("cgroup_skb/egress")
int usn_egress(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;
	__u32 bound = sk ? sk->bound_dev_if : 0;
	const struct usn_binding *b;

	/* Nearly every packet: by the device that its socket is bound to, which setsockopt keeps the run's. */
	if (bound && bound == skb->ifindex)
		return ALLOW;
	b = binding_of_packet(skb);
	if (!b || !(b->flags & USN_BIND_GUARD) || skb->ifindex == b->ifindex)
		return ALLOW;
	/* The device's own addresses are reached by lo. */
	if (skb->ifindex == LOOPBACK_IFINDEX && bound && bound == b->ifindex)
		return ALLOW;
	if (is_exempt_packet(skb, b))
		return ALLOW;
	if (bound)
		COUNT(b, dropped_strayed);
	else
		COUNT(b, dropped_unbound);
	return REFUSE;
}

char _license[] SEC("license") = "Dual BSD/GPL";
