/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the programs at connect, bind and sendmsg have in common:
 * the address, and binding the socket.
 */
#ifndef USN_ADDR_BPF_H
#define USN_ADDR_BPF_H

#include "binding.bpf.h"
#include "compiler.bpf.h"
#include "context.bpf.h"
#include "rules.bpf.h"

/* The address that the application gave. */
static __always_inline void place_of4(struct place *p, struct bpf_sock_addr *ctx)
{
	place4(p, CTX_READ(ctx, user_ip4));
	p->port = bpf_ntohs((__u16)CTX_READ(ctx, user_port));
	p->protocol = CTX_READ(ctx, protocol);
}

static __always_inline void place_of6(struct place *p, struct bpf_sock_addr *ctx)
{
	p->addr[0] = CTX_READ(ctx, user_ip6[0]);
	p->addr[1] = CTX_READ(ctx, user_ip6[1]);
	p->addr[2] = CTX_READ(ctx, user_ip6[2]);
	p->addr[3] = CTX_READ(ctx, user_ip6[3]);
	p->port = bpf_ntohs((__u16)CTX_READ(ctx, user_port));
	p->protocol = CTX_READ(ctx, protocol);
}

/* Puts another address in its place. */
static __always_inline void write_addr4(struct bpf_sock_addr *ctx, const __u32 addr[4])
{
	CTX_WRITE(ctx, user_ip4, addr[3]);
}

static __always_inline void write_addr6(struct bpf_sock_addr *ctx, const __u32 addr[4])
{
	CTX_WRITE(ctx, user_ip6[0], addr[0]);
	CTX_WRITE(ctx, user_ip6[1], addr[1]);
	CTX_WRITE(ctx, user_ip6[2], addr[2]);
	CTX_WRITE(ctx, user_ip6[3], addr[3]);
}

/*
 * Whether programs of bind and sendmsg can move a socket, as those of connect can: since Linux
 * 5.12. Set before the object is loaded. Where they cannot, a bind that needs it is refused.
 */
const volatile bool can_move_anywhere __weak = true;

/*
 * An unbound socket may be bound by anybody, but a bound one changed only with CAP_NET_RAW
 * (sock_bindtoindex_locked, net/core/sock.c), and the program runs with the caller's rights.
 */
static __always_inline int bind_socket(struct bpf_sock_addr *ctx, const struct usn_binding *b)
{
	char device[USN_NAME_SIZE];

	__builtin_memcpy(device, b->device, sizeof(device));
	return bpf_setsockopt(ctx, SOL_SOCKET, SO_BINDTODEVICE, device, sizeof(device));
}

static __always_inline int unbind_socket(struct bpf_sock_addr *ctx)
{
	char none[USN_NAME_SIZE] = "";

	return bpf_setsockopt(ctx, SOL_SOCKET, SO_BINDTODEVICE, none, sizeof(none));
}

#endif
