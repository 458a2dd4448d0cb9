/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What sendmsg decides: a datagram with an address of its own. */
#ifndef USN_SEND_BPF_H
#define USN_SEND_BPF_H

#include "addr.bpf.h"
#include "binding.bpf.h"
#include "context.bpf.h"
#include "dns.bpf.h"
#include "rules.bpf.h"

/*
 * A socket is off the device after connect to an exempt address, or after connect(AF_UNSPEC), which
 * unbinds (__udp_disconnect, net/ipv4). This datagram's device was chosen before the program ran,
 * so it cannot be saved; the next one can, unless the socket is connected elsewhere.
 */
static __always_inline int refuse_send(struct bpf_sock_addr *ctx, const struct usn_binding *b,
				       const struct bpf_sock *sk)
{
	if (can_move_anywhere && !CTX_READ(sk, dst_port))
		bind_socket(ctx, b);
	COUNT(b, refused_send);
	return REFUSE;
}

static __always_inline int decide_send(struct bpf_sock_addr *ctx, const struct usn_binding *b,
				       const struct place *p, bool v4)
{
	const struct bpf_sock *sk = CTX_READ(ctx, sk);
	__u32 bound;

	if (!sk)
		return ALLOW;
	bound = CTX_READ(sk, bound_dev_if);
	if (is_query(b, p))
		return bound ? ask_own_server(ctx, b, p, v4) : refuse_send(ctx, b, sk);
	if (bound || is_exempt(b, p))
		return ALLOW;
	return refuse_send(ctx, b, sk);
}

#endif
