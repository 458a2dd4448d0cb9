/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What sock_create decides: the device, or that there is no socket. */
#ifndef USN_CREATE_BPF_H
#define USN_CREATE_BPF_H

#include "binding.bpf.h"
#include "context.bpf.h"
#include "owner.bpf.h"

/*
 * Once bound, a socket of an unprivileged process could not be unbound for an exempt address.
 * A stream socket sends nothing before connect, bind or listen, so it can wait;
 * for the last, which no program sees, the guard stands behind.
 * Datagram sockets cannot wait: sendmsg latches the device before its program runs.
 */
static __always_inline bool can_wait(const struct bpf_sock *sk, const struct usn_binding *b)
{
	if (CTX_READ(sk, type) != SOCK_STREAM || !(b->flags & USN_BIND_GUARD))
		return false;
	if (!(b->flags & (USN_BIND_LOOPBACK | USN_BIND_LOCAL)) && !b->ruleset)
		return false;
	return (__u32)bpf_get_current_uid_gid() != 0;
}

static __always_inline int decide_create(struct bpf_sock *sk, const struct usn_binding *b)
{
	/* A cgroup further in has decided (its programs run before ours): the nearest wins. */
	if (CTX_READ(sk, bound_dev_if)) {
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
	CTX_WRITE(sk, bound_dev_if, b->ifindex);
	COUNT(b, bound);
	return ALLOW;
}

#endif
