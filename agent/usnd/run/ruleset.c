// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Rulesets: exemptions in the map rules. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "usnd/agent.h"
#include "usnd/device/device.h"
#include "usnd/os/netlink.h"
#include "usnd/pins/pins.h"
#include "usnd/run/ruleset.h"
#include "usnd/run/runs.h"

static struct usn_rule_key key_of(uint32_t id, const struct exempt_rule *r)
{
	struct usn_rule_key k = { .prefixlen = 32u + r->len, .ruleset = id };

	memcpy(k.addr, r->addr, sizeof(k.addr));
	return k;
}

/* The map finds only the longest prefix, so each has the ports of all that cover it. */
static int write_rule(struct agent *a, uint32_t id, const struct exempt *x,
		      const struct exempt_rule *r)
{
	struct usn_rule_key key = key_of(id, r);
	struct usn_rule value = { 0 };
	size_t i;

	for (i = 0; i < x->n; i++) {
		if (exempt_rule_covers(&x->rules[i], r))
			value.ports[value.n++] = x->rules[i].ports;
	}
	return rule_put(a->pins, &key, &value);
}

static int write_rules(struct agent *a, uint32_t id, const struct exempt *x)
{
	size_t i;
	int r = 0;

	for (i = 0; i < x->n && r >= 0; i++)
		r = write_rule(a, id, x, &x->rules[i]);
	return r;
}

/* Calls f for each entry of the map; f may remove the entry that it is given. */
static int each_rule(struct agent *a,
		     int (*f)(struct agent *a, const struct usn_rule_key *k, void *arg), void *arg)
{
	struct usn_rule_key *keys = NULL, *more, key;
	size_t n = 0, i;
	int r = rule_next(a->pins, NULL, &key);

	for (; r >= 0; r = rule_next(a->pins, &keys[n - 1], &key)) {
		more = realloc(keys, (n + 1) * sizeof(*keys));
		if (!more) {
			free(keys);
			return -ENOMEM;
		}
		keys = more;
		keys[n++] = key;
	}
	for (i = 0, r = 0; i < n && r >= 0; i++)
		r = f(a, &keys[i], arg);
	free(keys);
	return r;
}

static bool is_used(const struct agent *a, uint32_t id)
{
	const struct device *d;
	const struct run *r;
	size_t i = 0;

	LIST_FOREACH(r, &a->runs, list)
	{
		if (r->ruleset == id)
			return true;
	}
	while ((d = agent_next_device(a, &i))) {
		if (d->ruleset == id)
			return true;
	}
	return false;
}

static uint32_t free_id(struct agent *a)
{
	do {
		a->last_ruleset++;
	} while (a->last_ruleset <= USN_RULESET_LOCAL || is_used(a, a->last_ruleset));
	return a->last_ruleset;
}

int ruleset_add(struct agent *a, const struct exempt *x, uint32_t *ret_id, struct usn_err *e)
{
	uint32_t id = 0;
	int r;

	if (x->n) {
		id = free_id(a);
		r = write_rules(a, id, x);
		if (r < 0) {
			ruleset_remove(a, id);
			return usn_fail_errno(e, -r, "cannot enter the exemptions");
		}
	}
	*ret_id = id;
	return 0;
}

struct reading {
	uint32_t id;
	struct exempt *x;
	struct usn_err *e;
};

static int read_rule(struct agent *a, const struct usn_rule_key *k, void *arg)
{
	struct reading *q = arg;
	struct usn_rule value;
	uint32_t i;
	int r;

	if (k->ruleset != q->id || rule_get(a->pins, k, &value) < 0)
		return 0;
	for (i = 0; i < value.n && i < USN_RULES_MAX; i++) {
		struct exempt_rule rule = { .len = (uint8_t)(k->prefixlen - 32),
					    .ports = value.ports[i] };

		memcpy(rule.addr, k->addr, sizeof(rule.addr));
		r = exempt_add_rule(q->x, &rule, q->e);
		if (r < 0)
			return r;
	}
	return 0;
}

int ruleset_read(struct agent *a, uint32_t id, struct exempt *x, struct usn_err *e)
{
	struct reading q = { id, x, e };

	return id ? each_rule(a, read_rule, &q) : 0;
}

static int remove_rule(struct agent *a, const struct usn_rule_key *k, void *arg)
{
	if (k->ruleset == *(uint32_t *)arg)
		rule_remove(a->pins, k);
	return 0;
}

void ruleset_remove(struct agent *a, uint32_t id)
{
	if (id)
		each_rule(a, remove_rule, &id);
}

static int sweep_rule(struct agent *a, const struct usn_rule_key *k, void *arg)
{
	(void)arg;
	if (k->ruleset != USN_RULESET_LOCAL && !is_used(a, k->ruleset))
		rule_remove(a->pins, k);
	return 0;
}

void rulesets_sweep(struct agent *a)
{
	each_rule(a, sweep_rule, NULL);
}

/* The host's addresses. */

struct addresses {
	struct agent *agent;
	struct exempt_rule *rules;
	size_t n;
};

static int collect(uint32_t ifindex, const struct prefix *p, void *arg)
{
	struct addresses *list = arg;
	struct exempt_rule r = { .len = 128, .ports.last = 65535 }, *more;

	if (device_by_ifindex(list->agent, ifindex))
		return 0;
	if (prefix_addr_size(p) == 4) {
		memset(r.addr + 10, 0xff, 2);
		memcpy(r.addr + 12, p->addr, 4);
	} else {
		memcpy(r.addr, p->addr, 16);
	}
	more = realloc(list->rules, (list->n + 1) * sizeof(r));
	if (!more)
		return -ENOMEM;
	list->rules = more;
	list->rules[list->n++] = r;
	return 0;
}

static int remove_gone(struct agent *a, const struct usn_rule_key *k, void *arg)
{
	const struct addresses *list = arg;
	size_t i;

	if (k->ruleset != USN_RULESET_LOCAL)
		return 0;
	for (i = 0; i < list->n; i++) {
		if (!memcmp(k->addr, list->rules[i].addr, sizeof(k->addr)))
			return 0;
	}
	rule_remove(a->pins, k);
	return 0;
}

/* What is new comes in before what is gone goes out: an address that stays is never missing. */
int ruleset_follow_addresses(struct agent *a, struct usn_err *e)
{
	struct addresses list = { .agent = a };
	size_t i;
	int r = netlink_each_address(a->nl, collect, &list);

	for (i = 0; i < list.n && r >= 0; i++) {
		struct usn_rule_key key = key_of(USN_RULESET_LOCAL, &list.rules[i]);
		struct usn_rule value = { .n = 1, .ports[0].last = 65535 };

		r = rule_put(a->pins, &key, &value);
	}
	if (r >= 0)
		r = each_rule(a, remove_gone, &list);
	free(list.rules);
	return r < 0 ? usn_fail_errno(e, -r, "cannot enter the host's addresses") : 0;
}
