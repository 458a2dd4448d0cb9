// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The bind: new sockets of a run belong to the run's device,
 * except where they talk to an exempt address.
 *
 * sock_create binds. connect and bind know the address: an exempt one (loopback,
 * or a rule of the run's) takes the socket off the device, any other puts it back.
 * They look at nothing but the socket and the binding, so there is no state that could disagree
 * with the socket. The programs hang on the cgroup above all runs.
 */
#include "vmlinux.h"

#include <stdbool.h>
#include <stddef.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "binding.bpf.h"
#include "connect.bpf.h"
#include "create.bpf.h"

SEC("cgroup/sock_create")
int usn_sock_create(struct bpf_sock *sk)
{
	const struct usn_binding *b = current_binding();

	return b ? decide_create(sk, b) : ALLOW;
}

SEC("cgroup/connect4")
int usn_connect4(struct bpf_sock_addr *ctx)
{
	const struct usn_binding *b = current_binding();
	struct place p;

	if (!b)
		return ALLOW;
	place_of4(&p, ctx);
	return decide_connect(ctx, b, &p, true);
}

SEC("cgroup/connect6")
int usn_connect6(struct bpf_sock_addr *ctx)
{
	const struct usn_binding *b = current_binding();
	struct place p;

	if (!b)
		return ALLOW;
	place_of6(&p, ctx);
	return decide_connect(ctx, b, &p, false);
}

SEC("cgroup/bind4")
int usn_bind4(struct bpf_sock_addr *ctx)
{
	const struct usn_binding *b = current_binding();
	struct place p;

	if (!b)
		return ALLOW;
	place_of4(&p, ctx);
	return decide_bind(ctx, b, &p);
}

SEC("cgroup/bind6")
int usn_bind6(struct bpf_sock_addr *ctx)
{
	const struct usn_binding *b = current_binding();
	struct place p;

	if (!b)
		return ALLOW;
	place_of6(&p, ctx);
	return decide_bind(ctx, b, &p);
}

char _license[] SEC("license") = "Dual BSD/GPL";
