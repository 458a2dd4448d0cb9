/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Name servers of a run's own: a query to any server goes to one of them,
 * and its answer seems to come from the server that was asked.
 *
 * The address is rewritten before the socket is bound or unbound by it,
 * so that a query to a stub on loopback goes out by the device.
 * What was asked is kept beside the socket, the last one if it asks several.
 */
#ifndef USN_DNS_BPF_H
#define USN_DNS_BPF_H

#include "addr.bpf.h"
#include "binding.bpf.h"
#include "context.bpf.h"
#include "rules.bpf.h"

#define DNS_PORT 53

static __always_inline bool is_query(const struct usn_binding *b, const struct place *p)
{
	__u8 protocol = base_protocol(p->protocol);

	return b->flags & USN_BIND_DNS && p->port == DNS_PORT &&
	       (protocol == IPPROTO_UDP || protocol == IPPROTO_TCP);
}

static __always_inline bool same_addr(const __u32 a[4], const __u32 b[4])
{
	return a[0] == b[0] && a[1] == b[1] && a[2] == b[2] && a[3] == b[3];
}

/*
 * One of the run's servers is asked anyway: the application goes on to the next of them by itself.
 */
static __always_inline bool is_own_server(const struct usn_binding *b, const struct place *p)
{
	int i;

	for (i = 0; i < USN_DNS_MAX; i++) {
		if (same_addr(b->dns[i], p->addr))
			return true;
	}
	return false;
}

/* The first server of the family; NULL: there is none. */
static __always_inline const __u32 *own_server(const struct usn_binding *b, bool v4)
{
	int i;

	for (i = 0; i < USN_DNS_MAX; i++) {
		const __u32 *s = b->dns[i];

		if (s[0] | s[1] | s[2] | s[3] && is_mapped(s) == v4)
			return s;
	}
	return NULL;
}

static __always_inline int refuse_query(const struct usn_binding *b)
{
	COUNT(b, refused_dns);
	return REFUSE;
}

/*
 * Writes the server's address in place of the one that was asked.
 * v4: the hook's family, a constant.
 */
static __always_inline int ask_own_server(struct bpf_sock_addr *ctx, const struct usn_binding *b,
					  const struct place *p, bool v4)
{
	const __u32 *server = own_server(b, is_v4(p));
	struct bpf_sock *sk = CTX_READ(ctx, sk);
	struct usn_asked *a;

	if (!sk)
		return refuse_query(b);
	if (is_own_server(b, p)) {
		/*
		 * A v6 socket that is connected to an IPv4 address comes here for
		 * each datagram it sends.
		 */
		if (!CTX_READ(sk, dst_port))
			bpf_sk_storage_delete(&asked, sk);
		return ALLOW;
	}
	a = server ? bpf_sk_storage_get(&asked, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE) : NULL;
	if (!a)
		return refuse_query(b);
	__builtin_memcpy(a->asked, p->addr, sizeof(a->asked));
	__builtin_memcpy(a->server, server, sizeof(a->server));
	if (v4)
		write_addr4(ctx, server);
	else
		write_addr6(ctx, server);
	COUNT(b, asked);
	return ALLOW;
}

/* Where a datagram or a connection seems to come from: from who was asked. Always allows. */
static __always_inline int seem_asked(struct bpf_sock_addr *ctx, const struct place *p, bool v4)
{
	struct bpf_sock *sk = CTX_READ(ctx, sk);
	const struct usn_asked *a;

	if (p->port != DNS_PORT || !sk)
		return ALLOW;
	a = bpf_sk_storage_get(&asked, sk, NULL, 0);
	if (!a || !same_addr(a->server, p->addr))
		return ALLOW;
	if (v4)
		write_addr4(ctx, a->asked);
	else
		write_addr6(ctx, a->asked);
	return ALLOW;
}

#endif
