/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Strict parsing of what people write: the whole text or nothing, in range or refused. */
#ifndef USN_PARSE_H
#define USN_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct usn_err;

/* An address with the length of its network's prefix; v4 uses the first four bytes. */
struct prefix {
	uint8_t family; /* AF_INET or AF_INET6 */
	uint8_t len;    /* bits */
	uint8_t addr[16];
};

#define PREFIX_TEXT_SIZE 64

/* Decimal digits only, no sign, no space. 0 or -EINVAL, -ERANGE. */
int parse_u32(const char *s, uint32_t min, uint32_t max, uint32_t *ret);

/*
 * A number of bytes: digits, and K, M or G for powers of 1024;
 * without one of these it counts units. 0 or -EINVAL, -ERANGE.
 */
int parse_size(const char *s, uint64_t unit, uint64_t min, uint64_t max, uint64_t *ret);

/* "usnN", N from 0 to 4095 without leading zeros. */
int parse_device(const char *s, uint32_t *ret_number, struct usn_err *e);

/* "ADDRESS/LEN": a host's unicast address and its network, as ip-address(8) takes it. */
int parse_prefix(const char *s, struct prefix *ret, struct usn_err *e);

/* Writes "ADDRESS/LEN" and returns buf. */
const char *prefix_text(const struct prefix *p, char buf[PREFIX_TEXT_SIZE]);

bool prefix_equal(const struct prefix *a, const struct prefix *b);

/* Whether addr (of the same family, 4 or 16 bytes) lies in the prefix's network. */
bool prefix_contains(const struct prefix *p, const uint8_t *addr);

/*
 * The word that getopt_long(3) did not like: it is still at it if more options stand in that word.
 */
const char *wrong_option(char **argv);

static inline size_t prefix_addr_size(const struct prefix *p)
{
	return p->family == 2 /* AF_INET */ ? 4 : 16;
}

#endif
