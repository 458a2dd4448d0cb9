/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What connect and bind decide: an exempt address takes the socket off the device,
 * any other puts it back. They look at nothing but the socket and the binding,
 * so there is no state that could disagree with the socket.
 */
#ifndef USN_CONNECT_BPF_H
#define USN_CONNECT_BPF_H

#include "addr.bpf.h"
#include "binding.bpf.h"
#include "context.bpf.h"
#include "dns.bpf.h"
#include "owner.bpf.h"
#include "rules.bpf.h"

/* Moves the owner into the socket's storage. A socket whose owner is forgotten gets its user. */
static __always_inline void owner_keep(struct bpf_sock_addr *ctx)
{
	struct bpf_sock *sk = CTX_READ(ctx, sk);
	struct usn_owner *o;
	__u64 cookie;

	if (!sk || bpf_sk_storage_get(&owners, sk, NULL, 0))
		return;
	cookie = bpf_get_socket_cookie(ctx);
	o = bpf_sk_storage_get(&owners, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (!o)
		return;
	if (!owner_of_newborn(cookie, o))
		owner_fill(o, bpf_get_current_cgroup_id());
	o->cookie = cookie;
}

static __always_inline int unbind(struct bpf_sock_addr *ctx, const struct usn_binding *b,
				  bool can_move)
{
	const struct bpf_sock *sk = CTX_READ(ctx, sk);

	/* Not ours: the application, or a cgroup further in, bound it elsewhere. */
	if (!sk || CTX_READ(sk, bound_dev_if) != b->ifindex)
		return ALLOW;
	if (!can_move || unbind_socket(ctx)) {
		COUNT(b, refused_rebind);
		return REFUSE;
	}
	COUNT(b, exempted);
	return ALLOW;
}

static __always_inline int rebind(struct bpf_sock_addr *ctx, const struct usn_binding *b,
				  bool can_move)
{
	const struct bpf_sock *sk = CTX_READ(ctx, sk);

	/* MPTCP reports the bind of its outer socket, but sends from an inner one: say it again. */
	if (!sk || (CTX_READ(sk, bound_dev_if) && CTX_READ(ctx, protocol) != IPPROTO_MPTCP))
		return ALLOW;
	if (!b->ifindex || !can_move || bind_socket(ctx, b)) {
		COUNT(b, refused_rebind);
		return REFUSE;
	}
	COUNT(b, rebound);
	return ALLOW;
}

/*
 * To connect to the unspecified address is to connect to loopback (ip_route_output_key, net/ipv4).
 */
static __always_inline int decide_connect(struct bpf_sock_addr *ctx, const struct usn_binding *b,
					  const struct place *p, bool v4)
{
	owner_keep(ctx);
	if (is_query(b, p))
		return ask_own_server(ctx, b, p, v4) == ALLOW ? rebind(ctx, b, true) : REFUSE;
	if (is_exempt(b, p) || (b->flags & USN_BIND_LOOPBACK && is_unspecified(p)))
		return unbind(ctx, b, true);
	return rebind(ctx, b, true);
}

/* To bind to the unspecified address is to listen on the run's device, whatever the rules say. */
static __always_inline int decide_bind(struct bpf_sock_addr *ctx, const struct usn_binding *b,
				       const struct place *p)
{
	owner_keep(ctx);
	return !is_unspecified(p) && is_exempt(b, p) ? unbind(ctx, b, can_move_anywhere)
						     : rebind(ctx, b, can_move_anywhere);
}

#endif
