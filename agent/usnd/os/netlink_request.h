/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A request of several rtnetlink messages, built in the connection's buffer and sent by one system
 * call:
 *
 *	netlink_begin(nl);
 *	h = netlink_message(nl, RTM_NEWLINK, 0);
 *	... libmnl's mnl_nlmsg_put_extra_header(h), mnl_attr_put(h) ...
 *	netlink_finish(nl, h);
 *	netlink_commit(nl, 0, NULL);
 */
#ifndef USN_NETLINK_REQUEST_H
#define USN_NETLINK_REQUEST_H

#include <libmnl/libmnl.h>
#include <stdint.h>

struct netlink;

/*
 * What a request holds, in bytes. Nothing checks that: who adds messages by the dozen asserts it.
 */
#define NETLINK_REQUEST_SIZE 24576

void netlink_begin(struct netlink *nl);

/* Starts a message behind those that are already in the request. */
struct nlmsghdr *netlink_message(struct netlink *nl, uint16_t type, uint16_t flags);

void netlink_finish(struct netlink *nl, const struct nlmsghdr *h);

/*
 * Sends the request and waits for all answers. 0, or the -errno of the first message that failed,
 * whose place in the request is then in *ret_failed (NULL: not wanted). Failures with "tolerated"
 * (an errno, 0: none) count as success.
 */
int netlink_commit(struct netlink *nl, int tolerated, uint32_t *ret_failed);

/* Why it failed: in the kernel's words where it gave some, or else in those of the errno, code. */
const char *netlink_reason(const struct netlink *nl, int code);

/* Sends the request, and hands all answers to a dump, or the one to a request, to cb. */
int netlink_ask(struct netlink *nl, mnl_cb_t cb, void *arg);

#endif
