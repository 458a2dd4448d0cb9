// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Exemptions: parsing and printing rules. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/exempt.h"
#include "base/parse.h"

static const struct {
	const char *prefix;
	uint8_t protocol;
} protocols[] = {
	{ "tcp:", IPPROTO_TCP },
	{ "udp:", IPPROTO_UDP },
};

static const struct {
	const char *name;
	uint32_t flag;
} names[] = {
	{ "loopback", USN_BIND_LOOPBACK },
	{ "local", USN_BIND_LOCAL },
};

/* X servers: display :0 is port 6000, :63 is 6063. */
static const struct exempt_rule x11 = { .ports = { 6000, 6063, IPPROTO_TCP, { 0 } } };

bool exempt_rule_covers(const struct exempt_rule *a, const struct exempt_rule *b)
{
	struct prefix p = { .family = AF_INET6, .len = a->len };

	memcpy(p.addr, a->addr, sizeof(p.addr));
	return a->len <= b->len && prefix_contains(&p, b->addr);
}

static bool same_rule(const struct exempt_rule *a, const struct exempt_rule *b)
{
	return a->len == b->len && !memcmp(a->addr, b->addr, sizeof(a->addr)) &&
	       !memcmp(&a->ports, &b->ports, sizeof(a->ports));
}

static bool has_rule(const struct exempt *x, const struct exempt_rule *r)
{
	size_t i;

	for (i = 0; i < x->n; i++) {
		if (same_rule(&x->rules[i], r))
			return true;
	}
	return false;
}

bool exempt_equal(const struct exempt *a, const struct exempt *b)
{
	size_t i;

	if (a->flags != b->flags || a->n != b->n)
		return false;
	for (i = 0; i < a->n; i++) {
		if (!has_rule(b, &a->rules[i]))
			return false;
	}
	return true;
}

int exempt_add_rule(struct exempt *x, const struct exempt_rule *r, struct usn_err *e)
{
	if (has_rule(x, r))
		return 0;
	if (x->n == USN_RULES_MAX)
		return usn_fail(e, E2BIG, "there can be at most %d exemptions", USN_RULES_MAX);
	x->rules[x->n++] = *r;
	return 0;
}

static bool is_loopback(const uint8_t a[16])
{
	static const uint8_t v4[13] = { [10] = 0xff, 0xff, 127 }, v6[16] = { [15] = 1 };

	return !memcmp(a, v4, sizeof(v4)) || !memcmp(a, v6, sizeof(v6));
}

bool exempt_covers(const struct exempt *x, const uint8_t addr[16], uint16_t port, uint8_t protocol)
{
	struct exempt_rule one = { .len = 128 };
	size_t i;

	if (x->flags & USN_BIND_LOOPBACK && is_loopback(addr))
		return true;
	memcpy(one.addr, addr, sizeof(one.addr));
	for (i = 0; i < x->n; i++) {
		const struct usn_ports *p = &x->rules[i].ports;

		if (exempt_rule_covers(&x->rules[i], &one) && port >= p->first && port <= p->last &&
		    (!p->protocol || p->protocol == protocol))
			return true;
	}
	return false;
}

static void clear_host_bits(struct exempt_rule *r)
{
	int i;

	for (i = r->len; i < 128; i++)
		r->addr[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
}

/* ADDRESS or ADDRESS/PREFIX; v6 may stand in brackets, as far as the "]". */
static int parse_net(const char *text, struct exempt_rule *r)
{
	char host[INET6_ADDRSTRLEN + 2];
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	uint32_t len, offset = 0, most = 128;

	if (n >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, n);
	host[n] = '\0';
	if (n > 2 && host[0] == '[' && host[n - 1] == ']') {
		host[n - 1] = '\0';
		memmove(host, host + 1, n - 1);
	}
	memset(r->addr, 0, sizeof(r->addr));
	if (inet_pton(AF_INET, host, r->addr + 12) == 1) {
		memset(r->addr + 10, 0xff, 2);
		offset = 96;
		most = 32;
	} else if (inet_pton(AF_INET6, host, r->addr) != 1) {
		return -EINVAL;
	}
	len = most;
	if (slash && parse_u32(slash + 1, 0, most, &len) < 0)
		return -EINVAL;
	r->len = (uint8_t)(offset + len);
	clear_host_bits(r);
	return 0;
}

static int parse_ports(const char *text, struct usn_ports *p)
{
	char first[8];
	const char *dash = strchr(text, '-');
	size_t n = dash ? (size_t)(dash - text) : strlen(text);
	uint32_t from, to;

	if (n >= sizeof(first))
		return -EINVAL;
	memcpy(first, text, n);
	first[n] = '\0';
	if (parse_u32(first, 1, 65535, &from) < 0)
		return -EINVAL;
	to = from;
	if (dash && parse_u32(dash + 1, from, 65535, &to) < 0)
		return -EINVAL;
	p->first = (uint16_t)from;
	p->last = (uint16_t)to;
	return 0;
}

/* The ':' before the ports: behind the bracket of a v6 address, or the only one. */
static char *find_ports(char *text)
{
	char *bracket = strchr(text, ']');
	char *colon = strchr(bracket ? bracket : text, ':');

	return !bracket && colon && strchr(colon + 1, ':') ? NULL : colon;
}

static int parse_rule(const char *text, struct exempt_rule *ret)
{
	struct exempt_rule r = { .ports.last = 65535 };
	char copy[EXEMPT_TEXT_SIZE], *ports;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(protocols); i++) {
		if (!strncmp(text, protocols[i].prefix, strlen(protocols[i].prefix))) {
			r.ports.protocol = protocols[i].protocol;
			text += strlen(protocols[i].prefix);
			break;
		}
	}
	if (strlen(text) >= sizeof(copy))
		return -EINVAL;
	memcpy(copy, text, strlen(text) + 1);
	ports = find_ports(copy);
	if (ports) {
		*ports++ = '\0';
		if (parse_ports(ports, &r.ports) < 0)
			return -EINVAL;
	}
	if (parse_net(copy, &r) < 0)
		return -EINVAL;
	*ret = r;
	return 0;
}

int exempt_add(struct exempt *x, const char *text, struct usn_err *e)
{
	struct exempt_rule r;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (!strcmp(text, names[i].name)) {
			x->flags |= names[i].flag;
			return 0;
		}
	}
	if (!strcmp(text, "x11"))
		return exempt_add_rule(x, &x11, e);
	if (parse_rule(text, &r) < 0)
		return usn_fail(e, EINVAL,
				"'%.80s' is no exemption: use "
				"[tcp:|udp:]ADDRESS[/PREFIX][:PORT[-PORT]], loopback, local or x11",
				text);
	return exempt_add_rule(x, &r, e);
}

static bool is_mapped(const struct exempt_rule *r)
{
	static const uint8_t mapped[12] = { [10] = 0xff, 0xff };

	return r->len >= 96 && !memcmp(r->addr, mapped, sizeof(mapped));
}

const char *exempt_rule_text(const struct exempt_rule *r, char buf[EXEMPT_TEXT_SIZE])
{
	bool v4 = is_mapped(r), all = r->ports.first == 0;
	char host[INET6_ADDRSTRLEN], ports[16] = "";
	const char *protocol = "";
	size_t i;

	if (same_rule(r, &x11))
		return memcpy(buf, "x11", sizeof("x11"));
	for (i = 0; i < ARRAY_SIZE(protocols); i++) {
		if (protocols[i].protocol == r->ports.protocol)
			protocol = protocols[i].prefix;
	}
	inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? r->addr + 12 : r->addr, host, sizeof(host));
	if (!all)
		snprintf(ports, sizeof(ports), ":%u-%u", r->ports.first, r->ports.last);
	snprintf(buf, EXEMPT_TEXT_SIZE, v4 || all ? "%s%s/%u%s" : "%s[%s]/%u%s", protocol, host,
		 r->len - (v4 ? 96 : 0), ports);
	return buf;
}
