// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* rtnetlink, by libmnl. */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "usnd/netlink.h"

/* Worse than any route of the host's own (those have 1024 or so); one for each device, best first. */
#define ROUTE_METRIC 0xffff0000u
#define GUARD_METRIC (ROUTE_METRIC - 1)

/* Packets that wait for the rig; the kernel's 500 overflow in a burst of a few milliseconds. */
#define QUEUE_PACKETS 4096

/* An address with its message is 64 bytes. */
#define REQUEST_SIZE (4096 + ADDRESSES_MAX * 128)

struct netlink {
	struct mnl_socket *sock;
	uint32_t seq;
	/* The request being built. */
	char *request;
	size_t len;
	uint32_t first_seq;
};

int netlink_open(struct netlink **ret, struct usn_err *e)
{
	struct netlink *nl = calloc(1, sizeof(*nl));

	if (!nl)
		return usn_fail(e, ENOMEM, "out of memory");
	nl->request = calloc(1, REQUEST_SIZE);
	nl->sock = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!nl->request || !nl->sock || mnl_socket_bind(nl->sock, 0, MNL_SOCKET_AUTOPID) < 0) {
		netlink_free(nl);
		return usn_fail_errno(e, errno, "cannot open a netlink socket");
	}
	*ret = nl;
	return 0;
}

struct netlink *netlink_free(struct netlink *nl)
{
	if (!nl)
		return NULL;
	if (nl->sock)
		mnl_socket_close(nl->sock);
	free(nl->request);
	free(nl);
	return NULL;
}

static void begin(struct netlink *nl)
{
	/* Padding goes to the kernel, too. */
	memset(nl->request, 0, nl->len);
	nl->len = 0;
	nl->first_seq = nl->seq + 1;
}

/* Starts a message behind those that are already in the request. */
static struct nlmsghdr *message(struct netlink *nl, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(nl->request + nl->len);

	h->nlmsg_type = type;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	h->nlmsg_seq = ++nl->seq;
	return h;
}

static void finish(struct netlink *nl, const struct nlmsghdr *h)
{
	nl->len += MNL_ALIGN(h->nlmsg_len);
}

/*
 * Sends the request and waits for all answers. 0, or the -errno of the first message that failed, whose
 * place in the request is then in *ret_failed.
 */
static int commit(struct netlink *nl, uint32_t *ret_failed)
{
	char buf[8192];
	uint32_t seq;
	int r = 0;

	if (mnl_socket_sendto(nl->sock, nl->request, nl->len) < 0)
		return -errno;
	for (seq = nl->first_seq; seq <= nl->seq; seq++) {
		ssize_t n = mnl_socket_recvfrom(nl->sock, buf, sizeof(buf));

		if (n < 0)
			return -errno;
		if (mnl_cb_run(buf, (size_t)n, seq, mnl_socket_get_portid(nl->sock), NULL, NULL) <
			    0 &&
		    !r) {
			r = -errno;
			if (ret_failed)
				*ret_failed = seq - nl->first_seq;
		}
	}
	return r;
}

/* Devconf of IPv4 by index, as inet_set_link_af (net/ipv4/devinet.c) takes it. */
static void put_inet_conf(struct nlmsghdr *h)
{
	struct nlattr *inet = mnl_attr_nest_start(h, AF_INET);
	struct nlattr *conf = mnl_attr_nest_start(h, IFLA_INET_CONF);

	/* Replies come from addresses that no route leads to by this device. */
	mnl_attr_put_u32(h, IPV4_DEVCONF_RP_FILTER, 0);
	/* Two devices of one host may talk to each other through a rig. */
	mnl_attr_put_u32(h, IPV4_DEVCONF_ACCEPT_LOCAL, 1);
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
	struct nlmsghdr *h = message(nl, RTM_NEWLINK, 0);
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(h, sizeof(*ifi));
	struct nlattr *af;

	ifi->ifi_index = (int)ifindex;
	mnl_attr_put_u32(h, IFLA_MTU, s->mtu);
	mnl_attr_put_u32(h, IFLA_TXQLEN, QUEUE_PACKETS);
	/* TCP makes packets of the size that the rig sees; bigger ones would be cut up behind the taps. */
	mnl_attr_put_u32(h, IFLA_GSO_MAX_SEGS, 1);
	af = mnl_attr_nest_start(h, IFLA_AF_SPEC);
	put_inet_conf(h);
	if (s->mtu >= MTU_MIN_V6)
		put_inet6_conf(h);
	mnl_attr_nest_end(h, af);
	finish(nl, h);
}

/* A message of its own: the flags of one take effect before its other attributes. */
static void add_link_up(struct netlink *nl, uint32_t ifindex)
{
	struct nlmsghdr *h = message(nl, RTM_NEWLINK, 0);
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(h, sizeof(*ifi));

	ifi->ifi_index = (int)ifindex;
	ifi->ifi_flags = IFF_UP;
	ifi->ifi_change = IFF_UP;
	finish(nl, h);
}

static void add_address(struct netlink *nl, uint32_t ifindex, const struct prefix *p,
			uint16_t flags)
{
	struct nlmsghdr *h = message(nl, RTM_NEWADDR, NLM_F_CREATE | flags);
	struct ifaddrmsg *ifa = mnl_nlmsg_put_extra_header(h, sizeof(*ifa));

	ifa->ifa_family = p->family;
	ifa->ifa_prefixlen = p->len;
	ifa->ifa_index = ifindex;
	/* Nobody else can have it: usable at once. */
	ifa->ifa_flags = p->family == AF_INET6 ? IFA_F_NODAD : 0;
	mnl_attr_put(h, IFA_LOCAL, prefix_addr_size(p), p->addr);
	mnl_attr_put(h, IFA_ADDRESS, prefix_addr_size(p), p->addr);
	finish(nl, h);
}

/* A v6 default route: by the device, or for ifindex 0 "throw", as if there were none from here on. */
static void add_default6(struct netlink *nl, uint16_t type, uint16_t flags, uint32_t ifindex,
			 uint32_t metric)
{
	struct nlmsghdr *h = message(nl, type, flags);
	struct rtmsg *rt = mnl_nlmsg_put_extra_header(h, sizeof(*rt));

	rt->rtm_family = AF_INET6;
	rt->rtm_table = RT_TABLE_MAIN;
	rt->rtm_protocol = RTPROT_STATIC;
	rt->rtm_scope = RT_SCOPE_UNIVERSE;
	rt->rtm_type = ifindex ? RTN_UNICAST : RTN_THROW;
	mnl_attr_put_u32(h, RTA_PRIORITY, metric);
	if (ifindex)
		mnl_attr_put_u32(h, RTA_OIF, ifindex);
	finish(nl, h);
}

static bool has_v6(const struct settings *s)
{
	size_t i;

	for (i = 0; i < s->n_addresses; i++) {
		if (s->addresses[i].family == AF_INET6)
			return true;
	}
	return false;
}

int netlink_configure(struct netlink *nl, uint32_t ifindex, uint32_t number,
		      const struct settings *s, bool again, struct usn_err *e)
{
	char text[PREFIX_TEXT_SIZE];
	uint16_t flags = again ? NLM_F_REPLACE : NLM_F_EXCL;
	uint32_t failed = 0;
	size_t i;
	int r;

	begin(nl);
	add_link_setup(nl, ifindex, s);
	for (i = 0; i < s->n_addresses; i++)
		add_address(nl, ifindex, &s->addresses[i], flags);
	add_link_up(nl, ifindex);
	if (has_v6(s))
		add_default6(nl, RTM_NEWROUTE, (uint16_t)(NLM_F_CREATE | flags), ifindex,
			     ROUTE_METRIC + number);
	r = commit(nl, &failed);
	if (r == 0)
		return 0;
	if (failed == 0 || failed == s->n_addresses + 1)
		return usn_fail_errno(e, -r, "cannot take usn%u up", number);
	if (failed <= s->n_addresses)
		return usn_fail_errno(e, -r, "cannot give usn%u the address %s", number,
				      prefix_text(&s->addresses[failed - 1], text));
	return usn_fail_errno(e, -r, "cannot give usn%u an IPv6 default route", number);
}

int netlink_delete_link(struct netlink *nl, uint32_t ifindex)
{
	struct ifinfomsg *ifi;
	struct nlmsghdr *h;

	begin(nl);
	h = message(nl, RTM_DELLINK, 0);
	ifi = mnl_nlmsg_put_extra_header(h, sizeof(*ifi));
	ifi->ifi_index = (int)ifindex;
	finish(nl, h);
	return commit(nl, NULL);
}

int netlink_guard(struct netlink *nl, bool on)
{
	int r;

	begin(nl);
	if (on)
		add_default6(nl, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, 0, GUARD_METRIC);
	else
		add_default6(nl, RTM_DELROUTE, 0, 0, GUARD_METRIC);
	r = commit(nl, NULL);
	return r == -EEXIST || r == -ESRCH ? 0 : r;
}

/* Reads all answers to a dump, or the one to a request. */
static int ask(struct netlink *nl, mnl_cb_t cb, void *arg)
{
	_cleanup_free_ char *buf = malloc(32768);
	ssize_t n;
	int r;

	if (!buf)
		return -ENOMEM;
	if (mnl_socket_sendto(nl->sock, nl->request, nl->len) < 0)
		return -errno;
	do {
		n = mnl_socket_recvfrom(nl->sock, buf, 32768);
		if (n < 0)
			return -errno;
		r = mnl_cb_run(buf, (size_t)n, nl->seq, mnl_socket_get_portid(nl->sock), cb, arg);
	} while (r > 0);
	return r < 0 ? -errno : 0;
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

	begin(nl);
	h = message(nl, RTM_GETLINK, 0);
	ifi = mnl_nlmsg_put_extra_header(h, sizeof(*ifi));
	ifi->ifi_index = (int)ifindex;
	finish(nl, h);
	r = ask(nl, read_link, &st);
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

	begin(nl);
	h = message(nl, RTM_GETADDR, NLM_F_DUMP);
	h->nlmsg_flags &= (uint16_t)~NLM_F_ACK;
	ifa = mnl_nlmsg_put_extra_header(h, sizeof(*ifa));
	ifa->ifa_family = AF_UNSPEC;
	finish(nl, h);
	r = ask(nl, read_address, &q);
	return r < 0 ? r : q.r;
}

struct device_addresses {
	uint32_t ifindex;
	struct settings *s;
};

static int add_if_mine(uint32_t ifindex, const struct prefix *p, void *arg)
{
	struct device_addresses *d = arg;

	if (ifindex == d->ifindex && d->s->n_addresses < ADDRESSES_MAX)
		d->s->addresses[d->s->n_addresses++] = *p;
	return 0;
}

int netlink_addresses(struct netlink *nl, uint32_t ifindex, struct settings *s)
{
	struct device_addresses d = { ifindex, s };

	s->n_addresses = 0;
	return netlink_each_address(nl, add_if_mine, &d);
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
