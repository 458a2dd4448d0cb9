// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Any words, one a line, as exemptions and as lists of name servers. What is taken is the same when
 * it is printed and read again, and covers itself; what is refused changes nothing.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <netinet/in.h>

#include "base/dns.h"
#include "base/err.h"
#include "base/exempt.h"
#include "fuzz.h"

/* Behind its length an address has no bits. */
static void check_bits(const struct exempt_rule *r)
{
	demand(r->len <= 128);
	for (int i = r->len; i < 128; i++)
		demand(!(r->addr[i / 8] >> (7 - i % 8) & 1));
}

static void check_rule(const struct exempt_rule *r)
{
	struct exempt one = { .n = 1, .rules = { *r } }, again = { 0 };
	uint8_t protocol = r->ports.protocol ? r->ports.protocol : IPPROTO_UDP;
	char text[EXEMPT_TEXT_SIZE];
	struct usn_err e;

	check_bits(r);
	demand(r->ports.first <= r->ports.last);
	demand(!exempt_add(&again, exempt_rule_text(r, text), &e));
	demand(exempt_equal(&one, &again));
	demand(exempt_rule_covers(r, r));
	demand(exempt_covers(&one, r->addr, r->ports.first, protocol));
	demand(exempt_covers(&one, r->addr, r->ports.last, protocol));
	demand(!r->ports.first || !exempt_covers(&one, r->addr, r->ports.first - 1, protocol));
}

static void check_rules(struct exempt *x, const char *word)
{
	struct exempt before = *x;
	struct usn_err e;
	int r = exempt_add(x, word, &e);

	demand(r <= 0 && x->n <= USN_RULES_MAX);
	if (r < 0) {
		demand(e.code == -r && !strchr(e.text, '\n') && !memcmp(&before, x, sizeof(*x)));
		return;
	}
	demand(x->n - before.n <= 1);
	if (x->n > before.n)
		check_rule(&x->rules[x->n - 1]);
	/* Once more is no more. */
	before = *x;
	demand(!exempt_add(x, word, &e) && exempt_equal(&before, x));
}

static void check_servers(const char *word)
{
	struct dns d = { 0 }, again = { 0 };
	char list[USN_DNS_MAX * DNS_TEXT_SIZE] = "", text[DNS_TEXT_SIZE];
	struct usn_err e;
	int r = dns_parse(word, &d, &e);

	if (r < 0) {
		demand(!d.n && e.code == -r);
		return;
	}
	demand(d.n >= 1 && d.n <= USN_DNS_MAX);
	for (size_t i = 0; i < d.n; i++) {
		strcat(list, i ? "," : "");
		strcat(list, dns_server_text(d.servers[i], text));
	}
	demand(!dns_parse(list, &again, &e) && !memcmp(&d, &again, sizeof(d)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct exempt x;
	char *text = take_string(&data, &size), *rest = text, *word;

	memset(&x, 0, sizeof(x));
	while ((word = strsep(&rest, "\n"))) {
		check_rules(&x, word);
		check_servers(word);
	}
	free(text);
	return 0;
}
