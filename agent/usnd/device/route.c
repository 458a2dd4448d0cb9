// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Routes and rules, see route.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "usnd/device/route.h"
#include "usnd/os/netlink.h"
#include "usnd/os/netlink_request.h"

/*
 * Worse than any route of the host's own (those have 1024 or so); one for each device, best first.
 */
#define ROUTE_METRIC 0xffff0000u
#define GUARD_METRIC (ROUTE_METRIC - 1)
#define DROP_METRIC 0xffffffffu

/*
 * Where the rules stand, behind those that people number by hand, and before those that the kernel
 * does, which count down from 32765:
 *
 *	OTHER	from an address of a device's, out of the usual networks: its table
 *	SKIP	from any other address out of those networks: go to END
 *	ANSWERS	(IPv6) what the kernel sends by itself: go to DEVICES
 *	REST	(IPv6) go to END
 *	DEVICES	from an address of a device's: its table
 *	END
 *
 * IPv6 has to look closer. Where it finds no route, it looks once more with a source that it
 * chooses itself (ip6_dst_lookup_tail), so that on a host without a default route a device's
 * address would lead everybody's packets there. What tells an answer is a TCP port of its own,
 * which a socket that connects has not yet, or the ICMP type.
 */
enum { PREF_OTHER = 31000, PREF_SKIP, PREF_ANSWERS, PREF_REST = 31010, PREF_DEVICES, PREF_END };

/* The networks that settings_default() takes addresses from. */
static const struct prefix usual[] = {
	{ .family = AF_INET, .len = 10, .addr = { 10, 64 } },
	{ .family = AF_INET6, .len = 48, .addr = { 0xfd, 0x75, 0x73, 0x6e } },
};

static const struct prefix *usual_of(uint8_t family)
{
	return &usual[family == AF_INET6];
}

static bool is_usual(const struct prefix *p)
{
	const struct prefix *u = usual_of(p->family);
	size_t whole = u->len / 8;
	uint8_t mask = (uint8_t)(0xff00 >> u->len % 8);

	return !memcmp(p->addr, u->addr, whole) &&
	       (p->addr[whole] & mask) == (u->addr[whole] & mask);
}

struct default_route {
	uint8_t family;
	uint8_t kind; /* RTN_* */
	uint32_t table;
	uint32_t metric;
	uint32_t ifindex; /* 0: none */
};

static void put_default(struct netlink *nl, uint16_t type, uint16_t flags,
			const struct default_route *d)
{
	struct nlmsghdr *h = netlink_message(nl, type, flags);
	struct rtmsg *rt = mnl_nlmsg_put_extra_header(h, sizeof(*rt));
	bool on_link = d->family == AF_INET && d->ifindex;

	rt->rtm_family = d->family;
	rt->rtm_table = RT_TABLE_UNSPEC;
	rt->rtm_protocol = RTPROT_STATIC;
	rt->rtm_scope = on_link ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
	rt->rtm_type = d->kind;
	mnl_attr_put_u32(h, RTA_TABLE, d->table);
	mnl_attr_put_u32(h, RTA_PRIORITY, d->metric);
	if (d->ifindex)
		mnl_attr_put_u32(h, RTA_OIF, d->ifindex);
	netlink_finish(nl, h);
}

struct rule {
	uint8_t family;
	uint8_t action; /* FR_ACT_* */
	uint32_t pref;
	uint32_t target; /* of FR_ACT_GOTO the preference to go on at, of FR_ACT_TO_TBL the table */
	uint32_t flags;
	const struct prefix *from; /* NULL: any */
	uint8_t protocol;          /* 0: any, as in the two below */
	struct fib_rule_port_range sport, dport;
};

static void put_rule(struct netlink *nl, uint16_t type, const struct rule *r)
{
	bool add = type == RTM_NEWRULE;
	struct nlmsghdr *h =
		netlink_message(nl, type, (uint16_t)(add ? NLM_F_CREATE | NLM_F_EXCL : 0));
	struct fib_rule_hdr *rule = mnl_nlmsg_put_extra_header(h, sizeof(*rule));

	rule->family = r->family;
	rule->action = r->action;
	rule->flags = r->flags;
	mnl_attr_put_u32(h, FRA_PRIORITY, r->pref);
	mnl_attr_put_u8(h, FRA_PROTOCOL, RTPROT_STATIC);
	if (r->from) {
		rule->src_len = r->from->len;
		mnl_attr_put(h, FRA_SRC, prefix_addr_size(r->from), r->from->addr);
	}
	if (r->protocol)
		mnl_attr_put_u8(h, FRA_IP_PROTO, r->protocol);
	if (r->sport.end)
		mnl_attr_put(h, FRA_SPORT_RANGE, sizeof(r->sport), &r->sport);
	if (r->dport.end)
		mnl_attr_put(h, FRA_DPORT_RANGE, sizeof(r->dport), &r->dport);
	if (r->action == FR_ACT_GOTO)
		mnl_attr_put_u32(h, FRA_GOTO, r->target);
	else if (r->action == FR_ACT_TO_TBL)
		mnl_attr_put_u32(h, FRA_TABLE, r->target);
	netlink_finish(nl, h);
}

/*
 * What the kernel sends by itself over IPv6. It keeps an ICMP type and code where the destination's
 * port is (union flowi_uli). A range of ports can end at 65534 only.
 */
#define TYPES(first, last) .protocol = IPPROTO_ICMPV6, .dport = { (first) << 8, (last) << 8 | 255 }
static const struct rule answers6[] = {
	{ .protocol = IPPROTO_TCP, .sport = { 1, 65534 } },
	{ TYPES(ICMP6_DST_UNREACH, ICMP6_PARAM_PROB) },
	{ TYPES(ICMP6_ECHO_REPLY, ICMP6_ECHO_REPLY) },
};

static void put_answers6(struct netlink *nl, uint16_t type, const struct rule *how)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(answers6); i++) {
		struct rule r = *how;

		r.protocol = answers6[i].protocol;
		r.sport = answers6[i].sport;
		r.dport = answers6[i].dport;
		put_rule(nl, type, &r);
	}
}

/* A rule that goes on at another can only be made when that is there. */
static void put_frame(struct netlink *nl, uint16_t type, uint8_t family)
{
	const struct rule end = { .family = family, .pref = PREF_END, .action = FR_ACT_NOP };
	const struct rule devices = { .family = family,
				      .pref = PREF_DEVICES,
				      .action = FR_ACT_NOP };
	struct rule r = { .family = family, .action = FR_ACT_GOTO, .target = PREF_END };

	put_rule(nl, type, &end);
	put_rule(nl, type, &devices);
	if (family == AF_INET6) {
		r.pref = PREF_REST;
		put_rule(nl, type, &r);
		r.pref = PREF_ANSWERS;
		r.target = PREF_DEVICES;
		put_answers6(nl, type, &r);
	}
	r.pref = PREF_SKIP;
	r.target = PREF_END;
	r.from = usual_of(family);
	r.flags = FIB_RULE_INVERT;
	put_rule(nl, type, &r);
}

static int set_frame(struct netlink *nl, uint8_t family, bool on)
{
	uint16_t rule = on ? RTM_NEWRULE : RTM_DELRULE, route = on ? RTM_NEWROUTE : RTM_DELROUTE;
	uint16_t flags = on ? NLM_F_CREATE | NLM_F_EXCL : 0;

	netlink_begin(nl);
	put_frame(nl, rule, family);
	if (family == AF_INET6)
		put_default(nl, route, flags,
			    &(struct default_route){ family, RTN_THROW, RT_TABLE_MAIN, GUARD_METRIC,
						     0 });
	return netlink_commit(nl, on ? EEXIST : ENOENT, NULL);
}

int route_frame(struct netlink *nl, bool on, struct usn_err *e)
{
	int r = set_frame(nl, AF_INET, on);

	if (r == -EOPNOTSUPP)
		return usn_fail(
			e, EOPNOTSUPP,
			"this kernel has no policy rules (CONFIG_IP_MULTIPLE_TABLES): its own "
			"answers could leave by another device");
	if (r >= 0)
		r = set_frame(nl, AF_INET6, on);
	/* No IPv6 here. */
	if (r == -EOPNOTSUPP || r == -EAFNOSUPPORT)
		r = 0;
	return r < 0 ? usn_fail(e, -r, "cannot set the rules of the devices: %s",
				netlink_reason(nl, -r))
		     : 0;
}

static bool has_family(const struct settings *s, uint8_t family)
{
	size_t i;

	for (i = 0; i < s->n_addresses; i++) {
		if (s->addresses[i].family == family)
			return true;
	}
	return false;
}

static void put_address_rules(struct netlink *nl, uint32_t number, const struct prefix *from)
{
	struct rule r = { .family = from->family,
			  .pref = PREF_DEVICES,
			  .action = FR_ACT_TO_TBL,
			  .target = ROUTE_TABLE(number),
			  .from = from };

	if (!is_usual(from))
		r.pref = PREF_OTHER;
	if (from->family == AF_INET6 && r.pref == PREF_OTHER)
		put_answers6(nl, RTM_NEWRULE, &r);
	else
		put_rule(nl, RTM_NEWRULE, &r);
}

int route_rules(struct netlink *nl, uint32_t number, const struct settings *s, struct usn_err *e)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };
	size_t i;
	int r;

	netlink_begin(nl);
	for (i = 0; i < 2; i++) {
		if (has_family(s, families[i]))
			put_default(nl, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL,
				    &(struct default_route){ families[i], RTN_BLACKHOLE,
							     ROUTE_TABLE(number), DROP_METRIC, 0 });
	}
	for (i = 0; i < s->n_addresses; i++) {
		struct prefix from = s->addresses[i];

		from.len = (uint8_t)(prefix_addr_size(&from) * 8);
		put_address_rules(nl, number, &from);
	}
	r = s->n_addresses ? netlink_commit(nl, EEXIST, NULL) : 0;
	return r < 0 ? usn_fail(e, -r, "cannot set the rules of usn%u: %s", number,
				netlink_reason(nl, -r))
		     : 0;
}

/*
 * By the table alone, as nobody may know any more which addresses the device had: one rule each
 * time.
 */
static void end_rules(struct netlink *nl, uint8_t family, uint32_t pref, uint32_t number)
{
	const struct rule r = { .family = family,
				.pref = pref,
				.action = FR_ACT_TO_TBL,
				.target = ROUTE_TABLE(number) };
	size_t i;

	for (i = 0; i < ADDRESSES_MAX * ARRAY_SIZE(answers6); i++) {
		netlink_begin(nl);
		put_rule(nl, RTM_DELRULE, &r);
		if (netlink_commit(nl, 0, NULL) < 0)
			return;
	}
}

void route_rules_end(struct netlink *nl, uint32_t number)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };
	size_t i;

	for (i = 0; i < 2; i++) {
		end_rules(nl, families[i], PREF_DEVICES, number);
		end_rules(nl, families[i], PREF_OTHER, number);
		netlink_begin(nl);
		put_default(nl, RTM_DELROUTE, 0,
			    &(struct default_route){ families[i], RTN_BLACKHOLE,
						     ROUTE_TABLE(number), DROP_METRIC, 0 });
		netlink_commit(nl, ESRCH, NULL);
	}
}

void route_put_defaults(struct netlink *nl, uint16_t flags, uint32_t ifindex, uint32_t number,
			const struct settings *s)
{
	if (has_family(s, AF_INET6)) {
		put_default(nl, RTM_NEWROUTE, flags,
			    &(struct default_route){ AF_INET6, RTN_UNICAST, RT_TABLE_MAIN,
						     ROUTE_METRIC + number, ifindex });
		put_default(nl, RTM_NEWROUTE, flags,
			    &(struct default_route){ AF_INET6, RTN_UNICAST, ROUTE_TABLE(number),
						     ROUTE_METRIC, ifindex });
	}
	if (has_family(s, AF_INET))
		put_default(nl, RTM_NEWROUTE, flags,
			    &(struct default_route){ AF_INET, RTN_UNICAST, ROUTE_TABLE(number), 1,
						     ifindex });
}
