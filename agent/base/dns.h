/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Name servers as people write them: ADDRESS[,ADDRESS]... */
#ifndef USN_DNS_H
#define USN_DNS_H

#include <stddef.h>
#include <stdint.h>

#include <usn/abi.h>

struct usn_err;

struct dns {
	size_t n;
	uint8_t servers[USN_DNS_MAX][16]; /* IPv4 mapped, as in the map; behind the last one: 0 */
};

/* The whole list at once; on failure *ret is as it was. An empty text is an error. */
int dns_parse(const char *text, struct dns *ret, struct usn_err *e);

#define DNS_TEXT_SIZE 48
/* Writes one server and returns buf. */
const char *dns_server_text(const uint8_t server[16], char buf[DNS_TEXT_SIZE]);

#endif
