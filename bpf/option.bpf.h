/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What setsockopt decides: a socket stays where it was put, and so do its groups. */
#ifndef USN_OPTION_BPF_H
#define USN_OPTION_BPF_H

#include "binding.bpf.h"
#include "context.bpf.h"
#include "group.bpf.h"

/*
 * The kernel copies at most a page of the value; longer ones pass untouched when the length is 0.
 */
#define OPTION_MAX 4096

static __always_inline void option_of(struct option *o, const struct bpf_sockopt *ctx)
{
	o->level = CTX_READ(ctx, level);
	o->name = CTX_READ(ctx, optname);
}

/*
 * Whether the option names a device for the socket or a group of it. All others are let
 * through, whatever their length.
 */
static __always_inline bool is_device_option(struct bpf_sockopt *ctx, const struct option *o)
{
	if (o->level == SOL_SOCKET && (o->name == SO_BINDTODEVICE || o->name == SO_BINDTOIFINDEX))
		return true;
	if (CTX_READ(ctx, optlen) <= OPTION_MAX)
		return is_group_option(o);
	/* Of a group's only a list of its sources can be so long, which needs a membership. */
	CTX_WRITE(ctx, optlen, 0);
	return false;
}

/* Whether the option says what is so already: ping -I usn0 in a run on usn0. */
static __always_inline bool names_own_device(const struct bpf_sockopt *ctx, const struct option *o,
					     const struct usn_binding *b)
{
	const char *value = CTX_READ(ctx, optval), *end = CTX_READ(ctx, optval_end);
	__u32 i;

	if (o->name == SO_BINDTOIFINDEX)
		return value + sizeof(__u32) <= end && *(const __u32 *)value == b->ifindex;
	for (i = 0; i < USN_NAME_SIZE; i++) {
		if (value + i + 1 > end)
			return !b->device[i] && i > 0;
		if (value[i] != b->device[i])
			return false;
		if (!value[i])
			return true;
	}
	return false;
}

/* For what is_device_option() has found. */
static __always_inline int decide_option(struct bpf_sockopt *ctx, const struct option *o,
					 const struct usn_binding *b)
{
	if (o->level != SOL_SOCKET)
		return decide_group(ctx, o, b);
	if (names_own_device(ctx, o, b))
		return ALLOW;
	COUNT(b, refused_option);
	return REFUSE;
}

#endif
