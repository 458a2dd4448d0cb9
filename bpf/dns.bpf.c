// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Name servers of a run's own, the way back; connect and sendmsg are the way there. See dns.bpf.h.
 */
#include "vmlinux.h"

#include <stdbool.h>
#include <stddef.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "addr.bpf.h"
#include "dns.bpf.h"
#include "maps.bpf.h"

SEC("cgroup/recvmsg4")
int usn_recvmsg4(struct bpf_sock_addr *ctx)
{
	struct place p;

	place_of4(&p, ctx);
	return seem_asked(ctx, &p, true);
}

SEC("cgroup/recvmsg6")
int usn_recvmsg6(struct bpf_sock_addr *ctx)
{
	struct place p;

	place_of6(&p, ctx);
	return seem_asked(ctx, &p, false);
}

SEC("cgroup/getpeername4")
int usn_getpeername4(struct bpf_sock_addr *ctx)
{
	struct place p;

	place_of4(&p, ctx);
	return seem_asked(ctx, &p, true);
}

SEC("cgroup/getpeername6")
int usn_getpeername6(struct bpf_sock_addr *ctx)
{
	struct place p;

	place_of6(&p, ctx);
	return seem_asked(ctx, &p, false);
}

char _license[] SEC("license") = "Dual BSD/GPL";
