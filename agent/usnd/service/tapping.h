/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A tap that the agent opens for a caller who may not load programs. The caller gets descriptors of
 * its maps and links, so that it reads the packets without the agent and goes on without it; what
 * it leaves goes with its connection.
 */
#ifndef USN_TAPPING_H
#define USN_TAPPING_H

#include <jansson.h>
#include <stdint.h>

struct tapping;
struct usn_err;

/*
 * parameters: those of the method Tap; who may have the tap was asked before. cgroup: the id of the
 * run's, 0: none is asked for. *ret_ring_fd is the caller's.
 */
int tapping_open(const json_t *parameters, uint64_t cgroup, struct tapping **ret, int *ret_ring_fd,
		 json_t **ret_constants, struct usn_err *e);
struct tapping *tapping_free(struct tapping *t);

/* A map besides the ring, "bell" or "stages"; the caller's. */
int tapping_map(const struct tapping *t, const char *name, struct usn_err *e);

/*
 * A device more. The links are the caller's; -1: none in that direction, or it stays with the
 * agent.
 */
int tapping_add(struct tapping *t, uint32_t ifindex, const char *device, int *ret_in_fd,
		int *ret_out_fd, struct usn_err *e);

#endif
