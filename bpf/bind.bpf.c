// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The bind: new sockets of a run belong to the run's device, except where they talk to an exempt address.
 *
 * sock_create binds. connect and bind know the address: an exempt one (loopback, or a rule of the run's)
 * takes the socket off the device, any other puts it back. They look at nothing but the socket and the
 * binding, so there is no state that could disagree with the socket. The programs hang on the cgroup above
 * all runs.
 */
#include "vmlinux.h"

#include <stdbool.h>
#include <stddef.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "addr.bpf.h"
#include "binding.bpf.h"
#include "maps.bpf.h"
#include "owner.bpf.h"
#include "rules.bpf.h"

/*
 * Once bound, a socket of an unprivileged process could not be unbound for an exempt address. A stream socket
 * sends nothing before connect, bind or listen, so it can wait; for the last, which no program sees, the guard
 * stands behind. Datagram sockets cannot wait: sendmsg latches the device before its program runs.
 */
static __always_inline bool can_wait(const struct bpf_sock *sk, const struct usn_binding *b)
{
	if (sk->type != SOCK_STREAM || !(b->flags & USN_BIND_GUARD))
		return false;
	if (!(b->flags & (USN_BIND_LOOPBACK | USN_BIND_LOCAL)) && !b->ruleset)
		return false;
	return (__u32)bpf_get_current_uid_gid() != 0;
}

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
	owner_born(bpf_get_socket_cookie(sk), bpf_get_current_cgroup_id());
	if (can_wait(sk, b)) {
		COUNT(b, deferred);
		return ALLOW;
	}
	sk->bound_dev_if = b->ifindex;
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
	/* Not ours: the application, or a cgroup further in, bound it elsewhere. */
	if (!ctx->sk || ctx->sk->bound_dev_if != b->ifindex)
		return ALLOW;
	if (unbind_socket(ctx)) {
		COUNT(b, refused_rebind);
		return REFUSE;
	}
	COUNT(b, exempted);
	return ALLOW;
}

static __always_inline int rebind(struct bpf_sock_addr *ctx, const struct usn_binding *b)
{
	/* MPTCP reports the bind of its outer socket, but sends from an inner one: say it again. */
	if (!ctx->sk || (ctx->sk->bound_dev_if && ctx->protocol != IPPROTO_MPTCP))
		return ALLOW;
	if (!b->ifindex || bind_socket(ctx, b)) {
		COUNT(b, refused_rebind);
		return REFUSE;
	}
	COUNT(b, rebound);
	return ALLOW;
}

/* To connect to the unspecified address is to connect to loopback (ip_route_output_key, net/ipv4). */
static __always_inline int on_connect(struct bpf_sock_addr *ctx, const struct place *p)
{
	const struct usn_binding *b = current_binding();

	if (!b)
		return ALLOW;
	owner_keep(ctx);
	if (is_exempt(b, p) || (b->flags & USN_BIND_LOOPBACK && is_unspecified(p)))
		return unbind(ctx, b);
	return rebind(ctx, b);
}

/* To bind to the unspecified address is to listen on the run's device, whatever the rules say. */
static __always_inline int on_bind(struct bpf_sock_addr *ctx, const struct place *p)
{
	const struct usn_binding *b = current_binding();

	if (!b)
		return ALLOW;
	owner_keep(ctx);
	return !is_unspecified(p) && is_exempt(b, p) ? unbind(ctx, b) : rebind(ctx, b);
}

SEC("cgroup/connect4")
int usn_connect4(struct bpf_sock_addr *ctx)
{
	struct place p;

	place_of4(&p, ctx);
	return on_connect(ctx, &p);
}

SEC("cgroup/connect6")
int usn_connect6(struct bpf_sock_addr *ctx)
{
	struct place p;

	place_of6(&p, ctx);
	return on_connect(ctx, &p);
}

SEC("cgroup/bind4")
int usn_bind4(struct bpf_sock_addr *ctx)
{
	struct place p;

	place_of4(&p, ctx);
	return on_bind(ctx, &p);
}

SEC("cgroup/bind6")
int usn_bind6(struct bpf_sock_addr *ctx)
{
	struct place p;

	place_of6(&p, ctx);
	return on_bind(ctx, &p);
}

char _license[] SEC("license") = "Dual BSD/GPL";
