/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The peer of a device with Peer=echo, while no rig is connected: every address in the networks of
 * the device answers ping, and UDP to port 7 (RFC 862).
 *
 * It trusts nothing: a packet that is malformed, or that it cannot answer with certainty, has no
 * answer.
 */
#ifndef USN_ECHO_H
#define USN_ECHO_H

#include <stddef.h>
#include <stdint.h>

struct prefix;

/*
 * Turns the IP packet of len bytes into its answer, in place. Returns the answer's length, which is
 * never more than len, or 0: no answer, and the packet is as it was.
 */
size_t echo_reply(uint8_t *packet, size_t len, const struct prefix *nets, size_t n_nets);

#endif
