/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Exemptions as people write them: [tcp:|udp:]ADDRESS[/PREFIX][:PORT[-PORT]], loopback, local, x11.
 */
#ifndef USN_EXEMPT_H
#define USN_EXEMPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <usn/abi.h>

struct usn_err;

/* One rule; IPv4 is mapped into IPv6, as in the map. */
struct exempt_rule {
	uint8_t addr[16]; /* the bits after len are 0 */
	uint8_t len;      /* bits, 0 to 128 */
	struct usn_ports ports;
};

struct exempt {
	uint32_t flags; /* USN_BIND_LOOPBACK, USN_BIND_LOCAL */
	size_t n;
	struct exempt_rule rules[USN_RULES_MAX];
};

/* Adds a rule or a name; one that is there already changes nothing. */
int exempt_add(struct exempt *x, const char *text, struct usn_err *e);

int exempt_add_rule(struct exempt *x, const struct exempt_rule *r, struct usn_err *e);

bool exempt_equal(const struct exempt *a, const struct exempt *b);

/* Whether all addresses of b are addresses of a. */
bool exempt_rule_covers(const struct exempt_rule *a, const struct exempt_rule *b);

/*
 * Whether a rule or loopback covers an address (v6, IPv4 mapped;
 * the port in host order) and a protocol (IPPROTO_*).
 */
bool exempt_covers(const struct exempt *x, const uint8_t addr[16], uint16_t port, uint8_t protocol);

#define EXEMPT_TEXT_SIZE 96
/* Writes a rule as exempt_add() reads it, and returns buf. */
const char *exempt_rule_text(const struct exempt_rule *r, char buf[EXEMPT_TEXT_SIZE]);

#endif
