// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Strict parsing: numbers, device names, addresses with prefix. */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include <usn/abi.h>

#include "base/err.h"
#include "base/parse.h"

int parse_u32(const char *s, uint32_t min, uint32_t max, uint32_t *ret)
{
	uint64_t v = 0;

	if (!*s)
		return -EINVAL;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return -EINVAL;
		v = v * 10 + (uint64_t)(*s - '0');
		if (v > UINT32_MAX)
			return -ERANGE;
	}
	if (v < min || v > max)
		return -ERANGE;
	*ret = (uint32_t)v;
	return 0;
}

int parse_size(const char *s, uint64_t unit, uint64_t min, uint64_t max, uint64_t *ret)
{
	static const char suffixes[] = "KkMmGg";
	size_t n = strlen(s);
	char digits[16];
	const char *at;
	uint64_t bytes;
	uint32_t v;
	int r;

	if (!n || n >= sizeof(digits))
		return n ? -ERANGE : -EINVAL;
	memcpy(digits, s, n + 1);
	at = strchr(suffixes, digits[n - 1]);
	if (at) {
		unit = 1024ULL << (at - suffixes) / 2 * 10;
		digits[n - 1] = '\0';
	}
	r = parse_u32(digits, 0, UINT32_MAX, &v);
	if (r < 0)
		return r;
	bytes = v * unit;
	if (bytes < min || bytes > max || (v && bytes / v != unit))
		return -ERANGE;
	*ret = bytes;
	return 0;
}

int parse_device(const char *s, uint32_t *ret_number, struct usn_err *e)
{
	uint32_t n;

	if (strncmp(s, "usn", 3) || (s[3] == '0' && s[4]) ||
	    parse_u32(s + 3, 0, USN_DEVICES_MAX - 1, &n) < 0)
		return usn_fail(e, EINVAL, "'%.40s' is not a device name: use usn0 to usn%d", s,
				USN_DEVICES_MAX - 1);
	*ret_number = n;
	return 0;
}

static bool is_unicast4(const uint8_t a[4])
{
	return a[0] != 0 && a[0] != 127 && a[0] < 224;
}

static bool is_unicast6(const uint8_t a[16])
{
	static const uint8_t loopback[16] = { [15] = 1 }, unspecified[16],
			     mapped[12] = { [10] = 0xff, 0xff };

	return a[0] != 0xff && memcmp(a, loopback, 16) && memcmp(a, unspecified, 16) &&
	       memcmp(a, mapped, 12);
}

static bool is_unicast(const struct prefix *p)
{
	return p->family == AF_INET ? is_unicast4(p->addr) : is_unicast6(p->addr);
}

int parse_prefix(const char *s, struct prefix *ret, struct usn_err *e)
{
	const char *slash = strchr(s, '/');
	char host[INET6_ADDRSTRLEN];
	struct prefix p = { 0 };
	uint32_t len;

	if (!slash)
		return usn_fail(e, EINVAL,
				"Address=%.60s has no prefix length: write %.60s/24 or so", s, s);
	if ((size_t)(slash - s) >= sizeof(host))
		return usn_fail(e, EINVAL, "Address=%.60s is not an IPv4 or IPv6 address", s);
	memcpy(host, s, (size_t)(slash - s));
	host[slash - s] = '\0';

	if (inet_pton(AF_INET, host, p.addr) == 1)
		p.family = AF_INET;
	else if (inet_pton(AF_INET6, host, p.addr) == 1)
		p.family = AF_INET6;
	else
		return usn_fail(e, EINVAL, "Address=%.60s: '%s' is not an IPv4 or IPv6 address", s,
				host);

	if (parse_u32(slash + 1, 1, p.family == AF_INET ? 32 : 128, &len) < 0)
		return usn_fail(e, EINVAL,
				"Address=%.60s: the prefix length is a number from 1 to %d", s,
				p.family == AF_INET ? 32 : 128);
	if (!is_unicast(&p))
		return usn_fail(e, EINVAL, "Address=%.60s: '%s' cannot be the address of a device",
				s, host);
	p.len = (uint8_t)len;
	*ret = p;
	return 0;
}

const char *prefix_text(const struct prefix *p, char buf[PREFIX_TEXT_SIZE])
{
	char host[INET6_ADDRSTRLEN];

	inet_ntop(p->family, p->addr, host, sizeof(host));
	snprintf(buf, PREFIX_TEXT_SIZE, "%s/%u", host, p->len);
	return buf;
}

bool prefix_equal(const struct prefix *a, const struct prefix *b)
{
	return a->family == b->family && a->len == b->len &&
	       !memcmp(a->addr, b->addr, prefix_addr_size(a));
}

bool prefix_contains(const struct prefix *p, const uint8_t *addr)
{
	uint8_t mask = (uint8_t)(0xff << (8 - p->len % 8));

	if (memcmp(p->addr, addr, p->len / 8))
		return false;
	return p->len % 8 == 0 || !((p->addr[p->len / 8] ^ addr[p->len / 8]) & mask);
}

const char *wrong_option(char **argv)
{
	const char *word = argv[optind - 1], *next = argv[optind];
	bool is_this = word[0] == '-' && (word[1] == '-' || strchr(word, optopt));

	return !is_this && next ? next : word;
}
