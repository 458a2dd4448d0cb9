// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The bind: new sockets of a run belong to the run's device, except where they talk to the host itself.
 *
 * sock_create binds. connect and bind know the address: an exempt one (loopback) takes the socket off
 * the device, any other puts it back. Both look at nothing but the socket and the binding, so there is
 * no state that could disagree with the socket. The programs hang on the cgroup above all runs.
 */
#include "vmlinux.h"

#include <stdbool.h>
#include <stddef.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "binding.bpf.h"
#include "maps.bpf.h"
#include "owner.bpf.h"

#define REFUSE 0
#define ALLOW 1

SEC("cgroup/sock_create")
int usn_sock_create(struct bpf_sock *sk)
{
	const struct usn_binding *b = current_binding();

	if (!b)
		return ALLOW;
	/* A cgroup further in has decided (its programs run before ours): the nearest wins. */
	if (sk->bound_dev_if) {
		COUNT(b, kept);
		return ALLOW;
	}
	/* The device is gone. Unbound would be a leak, so refuse. */
	if (!b->ifindex) {
		COUNT(b, refused_device);
		return REFUSE;
	}
	/* The number means another device there. */
	if (bpf_get_netns_cookie(sk) != b->netns_cookie) {
		COUNT(b, refused_netns);
		return REFUSE;
	}
	sk->bound_dev_if = b->ifindex;
	owner_born(bpf_get_socket_cookie(sk), bpf_get_current_cgroup_id());
	COUNT(b, bound);
	return ALLOW;
}

/* Moves the owner into the socket's storage. A socket whose owner is forgotten gets its user. */
static __always_inline void owner_keep(struct bpf_sock_addr *ctx)
{
	struct usn_owner *o;
	__u64 cookie;

	if (!ctx->sk || bpf_sk_storage_get(&owners, ctx->sk, NULL, 0))
		return;
	cookie = bpf_get_socket_cookie(ctx);
	o = bpf_sk_storage_get(&owners, ctx->sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (!o)
		return;
	if (!owner_of_newborn(cookie, o))
		owner_fill(o, bpf_get_current_cgroup_id());
	o->cookie = cookie;
}

static __always_inline int unbind(struct bpf_sock_addr *ctx, const struct usn_binding *b)
{
	char none[USN_NAME_SIZE] = "";

	/* Not ours: the application, or a cgroup further in, bound it elsewhere. */
	if (!ctx->sk || ctx->sk->bound_dev_if != b->ifindex)
		return ALLOW;
	if (bpf_setsockopt(ctx, SOL_SOCKET, SO_BINDTODEVICE, none, sizeof(none))) {
		COUNT(b, refused_rebind);
		return REFUSE;
	}
	COUNT(b, exempted);
	return ALLOW;
}

static __always_inline int rebind(struct bpf_sock_addr *ctx, const struct usn_binding *b)
{
	char device[USN_NAME_SIZE];

	/* MPTCP reports the bind of its outer socket, but sends from an inner one: say it again. */
	if (!ctx->sk || (ctx->sk->bound_dev_if && ctx->protocol != IPPROTO_MPTCP))
		return ALLOW;
	__builtin_memcpy(device, b->device, sizeof(device));
	if (!b->ifindex ||
	    bpf_setsockopt(ctx, SOL_SOCKET, SO_BINDTODEVICE, device, sizeof(device))) {
		COUNT(b, refused_rebind);
		return REFUSE;
	}
	COUNT(b, rebound);
	return ALLOW;
}

static __always_inline int place(struct bpf_sock_addr *ctx, bool exempt)
{
	const struct usn_binding *b = current_binding();

	if (!b)
		return ALLOW;
	owner_keep(ctx);
	return exempt ? unbind(ctx, b) : rebind(ctx, b);
}

static __always_inline bool is_loopback4(__u32 ip)
{
	return (ip & bpf_htonl(0xff000000)) == bpf_htonl(0x7f000000);
}

static __always_inline bool is_unspecified6(const struct bpf_sock_addr *ctx)
{
	return !(ctx->user_ip6[0] | ctx->user_ip6[1] | ctx->user_ip6[2] | ctx->user_ip6[3]);
}

/* ::1, and 127.0.0.0/8 as a v6 socket sees it. */
static __always_inline bool is_loopback6(const struct bpf_sock_addr *ctx)
{
	if (ctx->user_ip6[0] | ctx->user_ip6[1])
		return false;
	if (ctx->user_ip6[2] == bpf_htonl(0xffff))
		return is_loopback4(ctx->user_ip6[3]);
	return !ctx->user_ip6[2] && ctx->user_ip6[3] == bpf_htonl(1);
}

/* To connect to the unspecified address is to connect to loopback (ip_route_output_key, net/ipv4). */
SEC("cgroup/connect4")
int usn_connect4(struct bpf_sock_addr *ctx)
{
	return place(ctx, !ctx->user_ip4 || is_loopback4(ctx->user_ip4));
}

SEC("cgroup/connect6")
int usn_connect6(struct bpf_sock_addr *ctx)
{
	bool unspecified4 = !(ctx->user_ip6[0] | ctx->user_ip6[1] | ctx->user_ip6[3]) &&
			    ctx->user_ip6[2] == bpf_htonl(0xffff);

	return place(ctx, is_unspecified6(ctx) || unspecified4 || is_loopback6(ctx));
}

/* To bind to the unspecified address is to listen on the run's device. */
SEC("cgroup/bind4")
int usn_bind4(struct bpf_sock_addr *ctx)
{
	return place(ctx, is_loopback4(ctx->user_ip4));
}

SEC("cgroup/bind6")
int usn_bind6(struct bpf_sock_addr *ctx)
{
	return place(ctx, is_loopback6(ctx));
}

char _license[] SEC("license") = "Dual BSD/GPL";
