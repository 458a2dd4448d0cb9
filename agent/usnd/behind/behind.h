/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is behind a device: the queue of its packets, and the peer or rig that reads the queue. */
#ifndef USN_BEHIND_H
#define USN_BEHIND_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "usnd/os/loop.h"

struct peer;
struct prefix;

struct behind {
	struct loop *loop;
	const char *name; /* of the device, which owns it, as it does the addresses */
	const struct prefix *addresses;
	size_t n_addresses;
	const struct peer *peer; /* NULL: none was started yet */
	/* The TUN queue; while there is a rig, the rig has the same open file. */
	struct source queue;
	struct source rig; /* pidfd of the rig, -1: none */
	pid_t rig_pid;
	/* What the peer did, packets. */
	uint64_t peer_read, peer_answered, peer_failed;
};

#endif
