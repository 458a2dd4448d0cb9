/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Interfaces, addresses and routes over rtnetlink(7). */
#ifndef USN_NETLINK_H
#define USN_NETLINK_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/parse.h"

struct netlink;
struct usn_err;

struct link_state {
	uint32_t ifindex;
	char name[IFNAMSIZ];
	char kind[16]; /* "tun", ... or empty */
	bool up;
	uint32_t mtu;
	/* Counted by the device; out: host to rig, in: rig to host. */
	uint64_t out_packets, out_bytes, out_dropped;
	uint64_t in_packets, in_bytes, in_dropped;
};

int netlink_open(struct netlink **ret, struct usn_err *e);
struct netlink *netlink_free(struct netlink *nl);

int netlink_delete_link(struct netlink *nl, uint32_t ifindex);

/* *ret by index. -ENODEV: there is none. */
int netlink_link(struct netlink *nl, uint32_t ifindex, struct link_state *ret);

/* Calls f for every address of the host's, until f returns other than 0, which is returned. */
int netlink_each_address(struct netlink *nl,
			 int (*f)(uint32_t ifindex, const struct prefix *p, void *arg), void *arg);

/* The addresses of an interface, the first size of them. */
int netlink_addresses(struct netlink *nl, uint32_t ifindex, struct prefix list[], size_t size,
		      size_t *ret_n);

/* The interface that has this address; 0: none. */
uint32_t netlink_who_has(struct netlink *nl, const struct prefix *p);

#endif
