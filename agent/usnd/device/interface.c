// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What a device gets when it comes up: its settings, addresses and IPv6 route in one request. */
#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/rtnetlink.h>

#include "base/err.h"
#include "usnd/device/interface.h"
#include "usnd/device/route.h"
#include "usnd/device/settings.h"
#include "usnd/os/netlink.h"
#include "usnd/os/netlink_request.h"

/* Packets that wait for the rig; the kernel's 500 overflow in a burst of a few milliseconds. */
#define QUEUE_PACKETS 4096

/* An address is a message of 64 bytes in a request here, or three rules of about 90 in route.c. */
_Static_assert(4096 + ADDRESSES_MAX * 320 <= NETLINK_REQUEST_SIZE, "a request holds all addresses");

/* Devconf of IPv4 by index, as inet_set_link_af (net/ipv4/devinet.c) takes it. */
static void put_inet_conf(struct nlmsghdr *h)
{
	struct nlattr *inet = mnl_attr_nest_start(h, AF_INET);
	struct nlattr *conf = mnl_attr_nest_start(h, IFLA_INET_CONF);

	/* Replies come from addresses that no route leads to by this device. */
	mnl_attr_put_u32(h, IPV4_DEVCONF_RP_FILTER, 0);
	/* Two devices of one host may talk to each other through a rig. */
	mnl_attr_put_u32(h, IPV4_DEVCONF_ACCEPT_LOCAL, 1);
	/* What a rig sends is for this host; a host that is a router would pass on what is not. */
	mnl_attr_put_u32(h, IPV4_DEVCONF_FORWARDING, 0);
	mnl_attr_nest_end(h, conf);
	mnl_attr_nest_end(h, inet);
}

/* No link-local address: a capture then shows what applications sent, and nothing else. */
static void put_inet6_conf(struct nlmsghdr *h)
{
	struct nlattr *inet6 = mnl_attr_nest_start(h, AF_INET6);

	mnl_attr_put_u8(h, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	mnl_attr_nest_end(h, inet6);
}

static void add_link_setup(struct netlink *nl, uint32_t ifindex, const struct settings *s)
{
	struct nlmsghdr *h = netlink_message(nl, RTM_NEWLINK, 0);
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(h, sizeof(*ifi));
	struct nlattr *af;

	ifi->ifi_index = (int)ifindex;
	mnl_attr_put_u32(h, IFLA_MTU, s->mtu);
	mnl_attr_put_u32(h, IFLA_TXQLEN, QUEUE_PACKETS);
	/*
	 * TCP makes packets of the size that the rig sees; bigger ones would be cut up behind the
	 * taps.
	 */
	mnl_attr_put_u32(h, IFLA_GSO_MAX_SEGS, 1);
	af = mnl_attr_nest_start(h, IFLA_AF_SPEC);
	put_inet_conf(h);
	if (s->mtu >= MTU_MIN_V6)
		put_inet6_conf(h);
	mnl_attr_nest_end(h, af);
	netlink_finish(nl, h);
}

/* A message of its own: the flags of one take effect before its other attributes. */
static void add_link_up(struct netlink *nl, uint32_t ifindex)
{
	struct nlmsghdr *h = netlink_message(nl, RTM_NEWLINK, 0);
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(h, sizeof(*ifi));

	ifi->ifi_index = (int)ifindex;
	ifi->ifi_flags = IFF_UP;
	ifi->ifi_change = IFF_UP;
	netlink_finish(nl, h);
}

static void add_address(struct netlink *nl, uint32_t ifindex, const struct prefix *p,
			uint16_t flags)
{
	struct nlmsghdr *h = netlink_message(nl, RTM_NEWADDR, NLM_F_CREATE | flags);
	struct ifaddrmsg *ifa = mnl_nlmsg_put_extra_header(h, sizeof(*ifa));

	ifa->ifa_family = p->family;
	ifa->ifa_prefixlen = p->len;
	ifa->ifa_index = ifindex;
	/* Nobody else can have it: usable at once. */
	ifa->ifa_flags = p->family == AF_INET6 ? IFA_F_NODAD : 0;
	mnl_attr_put(h, IFA_LOCAL, prefix_addr_size(p), p->addr);
	mnl_attr_put(h, IFA_ADDRESS, prefix_addr_size(p), p->addr);
	netlink_finish(nl, h);
}

int interface_configure(struct netlink *nl, uint32_t ifindex, uint32_t number,
			const struct settings *s, bool again, struct usn_err *e)
{
	char text[PREFIX_TEXT_SIZE];
	uint16_t flags = again ? NLM_F_REPLACE : NLM_F_EXCL;
	uint32_t failed = 0;
	size_t i;
	int r;

	netlink_begin(nl);
	add_link_setup(nl, ifindex, s);
	for (i = 0; i < s->n_addresses; i++)
		add_address(nl, ifindex, &s->addresses[i], flags);
	add_link_up(nl, ifindex);
	route_put_defaults(nl, (uint16_t)(NLM_F_CREATE | flags), ifindex, number, s);
	r = netlink_commit(nl, 0, &failed);
	if (r == 0)
		return 0;
	if (failed == 0 || failed == s->n_addresses + 1)
		return usn_fail(e, -r, "cannot take usn%u up: %s", number, netlink_reason(nl, -r));
	if (failed <= s->n_addresses)
		return usn_fail(e, -r, "cannot give usn%u the address %s: %s", number,
				prefix_text(&s->addresses[failed - 1], text),
				netlink_reason(nl, -r));
	return usn_fail(e, -r, "cannot give usn%u its default routes: %s", number,
			netlink_reason(nl, -r));
}
