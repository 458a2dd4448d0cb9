// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Name servers: parsing and printing. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>

#include "base/dns.h"
#include "base/err.h"

static const uint8_t mapped[12] = { [10] = 0xff, 0xff };

/* What can be asked through a device: no loopback, no multicast, and nothing that needs a scope. */
static bool is_askable(const uint8_t a[16])
{
	struct in6_addr in6;

	memcpy(&in6, a, sizeof(in6));
	if (!memcmp(a, mapped, sizeof(mapped)))
		return a[12] && a[12] != 127 && a[12] < 224;
	return !IN6_IS_ADDR_UNSPECIFIED(&in6) && !IN6_IS_ADDR_LOOPBACK(&in6) &&
	       !IN6_IS_ADDR_MULTICAST(&in6) && !IN6_IS_ADDR_LINKLOCAL(&in6);
}

static int parse_server(const char *text, size_t n, uint8_t ret[16])
{
	char host[INET6_ADDRSTRLEN];

	if (n >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, n);
	host[n] = '\0';
	memcpy(ret, mapped, sizeof(mapped));
	if (inet_pton(AF_INET, host, ret + 12) != 1 && inet_pton(AF_INET6, host, ret) != 1)
		return -EINVAL;
	return is_askable(ret) ? 0 : -EINVAL;
}

static bool has_server(const struct dns *d, const uint8_t server[16])
{
	size_t i;

	for (i = 0; i < d->n; i++) {
		if (!memcmp(d->servers[i], server, 16))
			return true;
	}
	return false;
}

int dns_parse(const char *text, struct dns *ret, struct usn_err *e)
{
	struct dns d = { 0 };
	const char *at = text;
	size_t n;

	for (;; at += n + 1) {
		uint8_t server[16] = { 0 };

		n = strcspn(at, ",");
		if (parse_server(at, n, server) < 0)
			return usn_fail(
				e, EINVAL,
				"'%.80s' is no list of name servers: use ADDRESS[,ADDRESS], "
				"unicast and not loopback",
				text);
		if (!has_server(&d, server)) {
			if (d.n == USN_DNS_MAX)
				return usn_fail(e, EINVAL, "there can be at most %d name servers",
						USN_DNS_MAX);
			memcpy(d.servers[d.n++], server, sizeof(server));
		}
		if (!at[n])
			break;
	}
	*ret = d;
	return 0;
}

const char *dns_server_text(const uint8_t server[16], char buf[DNS_TEXT_SIZE])
{
	bool v4 = !memcmp(server, mapped, sizeof(mapped));

	return inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? server + 12 : server, buf, DNS_TEXT_SIZE);
}
