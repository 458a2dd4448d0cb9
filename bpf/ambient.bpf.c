// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Ambient mode: ND=usn0 ping 10.64.0.2, with no launcher, as it was in 1999.
 *
 * The same hooks and decisions as for runs, on the root of the cgroup tree or of a part of it.
 * A run is found by its cgroup; here the process's environment decides when it makes a socket,
 * and from then on the socket remembers. What is in a run is left to the programs of runs.
 */
#include "vmlinux.h"

#include <stdbool.h>
#include <stddef.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "ambient.bpf.h"
#include "binding.bpf.h"
#include "connect.bpf.h"
#include "context.bpf.h"
#include "create.bpf.h"
#include "dns.bpf.h"
#include "option.bpf.h"
#include "packet.bpf.h"
#include "send.bpf.h"

static __always_inline int bind_by_name(struct bpf_sock *sk, const struct usn_seen *s)
{
	struct usn_ambient name, *a;
	const struct usn_binding *b;

	__builtin_memcpy(name.device, s->device, sizeof(name.device));
	b = bpf_map_lookup_elem(&ambient_devices, &name);
	if (!b) {
		COUNT_AMBIENT(refused_unknown);
		return REFUSE;
	}
	/* Without it the guard would not know the socket. */
	a = bpf_sk_storage_get(&ambient_sockets, sk, &name, BPF_SK_STORAGE_GET_F_CREATE);
	return a ? decide_create(sk, b) : REFUSE;
}

SEC("cgroup/sock_create")
int usn_nd_sock_create(struct bpf_sock *sk)
{
	const struct usn_seen *s = nd_of_current();

	if (s && s->answer == USN_ND_NONE)
		return ALLOW;
	if (current_binding())
		return ALLOW;
	if (s && s->answer == USN_ND_NAMED)
		return bind_by_name(sk, s);
	COUNT_AMBIENT(refused_unreadable);
	return REFUSE;
}

/* NULL: the socket is on no device by ND. */
static __always_inline const struct usn_ambient *note_of(struct bpf_sock *sk)
{
	return bpf_sk_storage_get(&ambient_sockets, sk, NULL, 0);
}

/*
 * At connect and bind of MPTCP the socket is the inner one, which the kernel made,
 * so that it has no note: the process is asked again, and the guard then knows this one, too.
 * The same serves sockets from before ambient mode was on.
 */
static __always_inline const struct usn_ambient *note_or_ask(struct bpf_sock *sk)
{
	const struct usn_ambient *a = note_of(sk);
	const struct usn_seen *s;
	struct usn_ambient name;

	if (a)
		return a;
	s = nd_of_current();
	if (!s || s->answer != USN_ND_NAMED || current_binding())
		return NULL;
	__builtin_memcpy(name.device, s->device, sizeof(name.device));
	return bpf_sk_storage_get(&ambient_sockets, sk, &name, BPF_SK_STORAGE_GET_F_CREATE);
}

#define HOOK(name, section, family, note, decision)      \
	SEC(section)                                     \
	int name(struct bpf_sock_addr *ctx)              \
	{                                                \
		struct bpf_sock *sk = CTX_READ(ctx, sk); \
		const struct usn_binding *b;             \
		struct place p;                          \
                                                         \
		if (!sk || !ambient_device(note, &b))    \
			return ALLOW;                    \
		if (!b) {                                \
			COUNT_AMBIENT(refused_unknown);  \
			return REFUSE;                   \
		}                                        \
		place_of##family(&p, ctx);               \
		return decision;                         \
	}

HOOK(usn_nd_connect4, "cgroup/connect4", 4, note_or_ask(sk), decide_connect(ctx, b, &p, true))
HOOK(usn_nd_connect6, "cgroup/connect6", 6, note_or_ask(sk), decide_connect(ctx, b, &p, false))
HOOK(usn_nd_bind4, "cgroup/bind4", 4, note_or_ask(sk), decide_bind(ctx, b, &p))
HOOK(usn_nd_bind6, "cgroup/bind6", 6, note_or_ask(sk), decide_bind(ctx, b, &p))
HOOK(usn_nd_sendmsg4, "cgroup/sendmsg4", 4, note_of(sk), decide_send(ctx, b, &p, true))
HOOK(usn_nd_sendmsg6, "cgroup/sendmsg6", 6, note_of(sk), decide_send(ctx, b, &p, false))

/* As dns.bpf.c: what was asked is beside the socket, whoever put it there. */
#define SEEM(name, section, family, v4)         \
	SEC(section)                            \
	int name(struct bpf_sock_addr *ctx)     \
	{                                       \
		struct place p;                 \
                                                \
		place_of##family(&p, ctx);      \
		return seem_asked(ctx, &p, v4); \
	}

SEEM(usn_nd_recvmsg4, "cgroup/recvmsg4", 4, true)
SEEM(usn_nd_recvmsg6, "cgroup/recvmsg6", 6, false)
SEEM(usn_nd_peer4, "cgroup/getpeername4", 4, true)
SEEM(usn_nd_peer6, "cgroup/getpeername6", 6, false)

SEC("cgroup/setsockopt")
int usn_nd_setsockopt(struct bpf_sockopt *ctx)
{
	struct bpf_sock *sk = CTX_READ(ctx, sk);
	const struct usn_binding *b;
	struct option o;

	option_of(&o, ctx);
	if (!is_device_option(ctx, &o) || !sk || !ambient_device(note_of(sk), &b))
		return ALLOW;
	return b ? decide_option(ctx, &o, b) : REFUSE;
}

SEC("cgroup_skb/egress")
int usn_nd_egress(struct __sk_buff *skb)
{
	struct bpf_sock *sk = CTX_READ(skb, sk);
	const struct usn_binding *b;

	sk = sk ? bpf_sk_fullsock(sk) : NULL;
	if (!sk || !ambient_device(note_of(sk), &b))
		return ALLOW;
	if (b)
		return decide_packet(skb, b, CTX_READ(sk, bound_dev_if));
	COUNT_AMBIENT(dropped_gone);
	return REFUSE;
}

char _license[] SEC("license") = "Dual BSD/GPL";
