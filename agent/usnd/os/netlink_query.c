// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Links and addresses as the kernel has them. */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "usnd/os/netlink.h"
#include "usnd/os/netlink_request.h"

int netlink_delete_link(struct netlink *nl, uint32_t ifindex)
{
	struct ifinfomsg *ifi;
	struct nlmsghdr *h;

	netlink_begin(nl);
	h = netlink_message(nl, RTM_DELLINK, 0);
	ifi = mnl_nlmsg_put_extra_header(h, sizeof(*ifi));
	ifi->ifi_index = (int)ifindex;
	netlink_finish(nl, h);
	return netlink_commit(nl, 0, NULL);
}

static int read_kind(const struct nlattr *attr, void *arg)
{
	struct link_state *st = arg;

	if (mnl_attr_get_type(attr) == IFLA_INFO_KIND)
		strncpy(st->kind, mnl_attr_get_str(attr), sizeof(st->kind) - 1);
	return MNL_CB_OK;
}

static void read_stats(const struct nlattr *attr, struct link_state *st)
{
	struct rtnl_link_stats64 s = { 0 };
	size_t n = mnl_attr_get_payload_len(attr);

	memcpy(&s, mnl_attr_get_payload(attr), n < sizeof(s) ? n : sizeof(s));
	/* The host transmits what goes out to the rig. */
	st->out_packets = s.tx_packets;
	st->out_bytes = s.tx_bytes;
	st->out_dropped = s.tx_dropped;
	st->in_packets = s.rx_packets;
	st->in_bytes = s.rx_bytes;
	st->in_dropped = s.rx_dropped;
}

static int read_link_attr(const struct nlattr *attr, void *arg)
{
	struct link_state *st = arg;

	switch (mnl_attr_get_type(attr)) {
	case IFLA_IFNAME:
		strncpy(st->name, mnl_attr_get_str(attr), sizeof(st->name) - 1);
		break;
	case IFLA_MTU:
		st->mtu = mnl_attr_get_u32(attr);
		break;
	case IFLA_STATS64:
		read_stats(attr, st);
		break;
	case IFLA_LINKINFO:
		mnl_attr_parse_nested(attr, read_kind, st);
		break;
	}
	return MNL_CB_OK;
}

static int read_link(const struct nlmsghdr *h, void *arg)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(h);
	struct link_state *st = arg;

	st->ifindex = (uint32_t)ifi->ifi_index;
	st->up = ifi->ifi_flags & IFF_UP;
	mnl_attr_parse(h, sizeof(*ifi), read_link_attr, st);
	return MNL_CB_OK;
}

int netlink_link(struct netlink *nl, uint32_t ifindex, struct link_state *ret)
{
	struct link_state st = { 0 };
	struct ifinfomsg *ifi;
	struct nlmsghdr *h;
	int r;

	netlink_begin(nl);
	h = netlink_message(nl, RTM_GETLINK, 0);
	ifi = mnl_nlmsg_put_extra_header(h, sizeof(*ifi));
	ifi->ifi_index = (int)ifindex;
	netlink_finish(nl, h);
	r = netlink_ask(nl, read_link, &st);
	if (r < 0)
		return r;
	*ret = st;
	return 0;
}

struct address_query {
	int (*f)(uint32_t ifindex, const struct prefix *p, void *arg);
	void *arg;
	int r;
};

static int read_addr_attr(const struct nlattr *attr, void *arg)
{
	const struct nlattr **tb = arg;

	if (mnl_attr_get_type(attr) <= IFA_MAX)
		tb[mnl_attr_get_type(attr)] = attr;
	return MNL_CB_OK;
}

static int read_address(const struct nlmsghdr *h, void *arg)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(h);
	const struct nlattr *tb[IFA_MAX + 1] = { 0 }, *addr;
	struct address_query *q = arg;
	struct prefix p = { .family = ifa->ifa_family, .len = ifa->ifa_prefixlen };

	mnl_attr_parse(h, sizeof(*ifa), read_addr_attr, tb);
	addr = tb[IFA_LOCAL] ? tb[IFA_LOCAL] : tb[IFA_ADDRESS];
	if (!addr || mnl_attr_get_payload_len(addr) < prefix_addr_size(&p))
		return MNL_CB_OK;
	memcpy(p.addr, mnl_attr_get_payload(addr), prefix_addr_size(&p));
	if (!q->r)
		q->r = q->f(ifa->ifa_index, &p, q->arg);
	return MNL_CB_OK;
}

int netlink_each_address(struct netlink *nl,
			 int (*f)(uint32_t ifindex, const struct prefix *p, void *arg), void *arg)
{
	struct address_query q = { .f = f, .arg = arg };
	struct ifaddrmsg *ifa;
	struct nlmsghdr *h;
	int r;

	netlink_begin(nl);
	h = netlink_message(nl, RTM_GETADDR, NLM_F_DUMP);
	h->nlmsg_flags &= (uint16_t)~NLM_F_ACK;
	ifa = mnl_nlmsg_put_extra_header(h, sizeof(*ifa));
	ifa->ifa_family = AF_UNSPEC;
	netlink_finish(nl, h);
	r = netlink_ask(nl, read_address, &q);
	return r < 0 ? r : q.r;
}

struct interface_addresses {
	uint32_t ifindex;
	struct prefix *list;
	size_t size;
	size_t n;
};

static int add_if_of(uint32_t ifindex, const struct prefix *p, void *arg)
{
	struct interface_addresses *q = arg;

	if (ifindex == q->ifindex && q->n < q->size)
		q->list[q->n++] = *p;
	return 0;
}

int netlink_addresses(struct netlink *nl, uint32_t ifindex, struct prefix list[], size_t size,
		      size_t *ret_n)
{
	struct interface_addresses q = { .ifindex = ifindex, .list = list, .size = size };
	int r = netlink_each_address(nl, add_if_of, &q);

	if (r >= 0)
		*ret_n = q.n;
	return r;
}

struct wanted {
	const struct prefix *p;
	uint32_t ifindex;
};

static int find_wanted(uint32_t ifindex, const struct prefix *p, void *arg)
{
	struct wanted *w = arg;

	if (p->family == w->p->family && !memcmp(p->addr, w->p->addr, prefix_addr_size(p)))
		w->ifindex = ifindex;
	return 0;
}

uint32_t netlink_who_has(struct netlink *nl, const struct prefix *p)
{
	struct wanted w = { .p = p };

	return netlink_each_address(nl, find_wanted, &w) < 0 ? 0 : w.ifindex;
}
