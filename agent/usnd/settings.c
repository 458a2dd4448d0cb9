// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A device's settings: defaults, its file, the command line. */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <usn/abi.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "usnd/settings.h"

static const char *const peer_names[] = { [USN_PEER_NONE] = "none", [USN_PEER_ECHO] = "echo" };

const char *peer_name(uint32_t peer)
{
	return peer < ARRAY_SIZE(peer_names) ? peer_names[peer] : "unknown";
}

void settings_default(uint32_t number, struct settings *ret)
{
	*ret = (struct settings){ .mtu = MTU_DEFAULT,
				  .peer = USN_PEER_NONE,
				  .except.flags = USN_BIND_LOOPBACK,
				  .n_addresses = 2 };
	ret->addresses[0] = (struct prefix){
		AF_INET, 24, { 10, (uint8_t)(64 + number / 256), (uint8_t)(number % 256), 1 }
	};
	ret->addresses[1] = (struct prefix){ AF_INET6,
					     64,
					     { 0xfd, 0x75, 0x73, 0x6e, 0, 0, (uint8_t)(number >> 8),
					       (uint8_t)number, [15] = 1 } };
}

/* One key's value into the settings; *replaced tells whether this source has given an address yet. */

static int set_address(struct settings *s, const char *value, bool *replaced, struct usn_err *e)
{
	struct prefix p;
	size_t i;
	int r = parse_prefix(value, &p, e);

	if (r < 0)
		return r;
	if (!*replaced)
		s->n_addresses = 0;
	*replaced = true;
	for (i = 0; i < s->n_addresses; i++) {
		if (prefix_equal(&s->addresses[i], &p))
			return usn_fail(e, EINVAL, "Address=%.60s is given twice", value);
	}
	if (s->n_addresses == ADDRESSES_MAX)
		return usn_fail(e, E2BIG, "a device has at most %d addresses", ADDRESSES_MAX);
	s->addresses[s->n_addresses++] = p;
	return 0;
}

static int set_mtu(struct settings *s, const char *value, bool *replaced, struct usn_err *e)
{
	(void)replaced;
	if (parse_u32(value, MTU_MIN, MTU_MAX, &s->mtu) < 0)
		return usn_fail(e, EINVAL, "MTU=%.40s: use a number from %d to %d", value, MTU_MIN,
				MTU_MAX);
	return 0;
}

static int set_peer(struct settings *s, const char *value, bool *replaced, struct usn_err *e)
{
	uint32_t i;

	(void)replaced;
	for (i = 0; i < ARRAY_SIZE(peer_names); i++) {
		if (!strcmp(value, peer_names[i])) {
			s->peer = i;
			return 0;
		}
	}
	return usn_fail(e, EINVAL, "Peer=%.40s: use none or echo", value);
}

/* As in systemd's files, an empty value clears what was there. */
static int set_except(struct settings *s, const char *value, bool *replaced, struct usn_err *e)
{
	(void)replaced;
	if (*value)
		return exempt_add(&s->except, value, e);
	s->except = (struct exempt){ 0 };
	return 0;
}

static int set_dns(struct settings *s, const char *value, bool *replaced, struct usn_err *e)
{
	(void)replaced;
	if (*value)
		return dns_parse(value, &s->dns, e);
	s->dns = (struct dns){ 0 };
	return 0;
}

static int set_ambient(struct settings *s, const char *value, bool *replaced, struct usn_err *e)
{
	(void)replaced;
	s->ambient = !strcmp(value, "yes");
	if (!s->ambient && strcmp(value, "no"))
		return usn_fail(e, EINVAL, "Ambient=%.40s: use yes or no", value);
	return 0;
}

static const struct key {
	const char *name;
	int (*set)(struct settings *s, const char *value, bool *replaced, struct usn_err *e);
} keys[] = {
	/* clang-format off */
	{ "Address", set_address },
	{ "MTU", set_mtu },
	{ "Peer", set_peer },
	{ "Except", set_except },
	{ "DNS", set_dns },
	{ "Ambient", set_ambient },
	/* clang-format on */
};

static int set(struct settings *s, const char *name, const char *value, bool *replaced,
	       struct usn_err *e)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		if (!strcmp(name, keys[i].name))
			return keys[i].set(s, value, replaced, e);
	}
	return usn_fail(e, EINVAL,
			"unknown key '%.40s': a device has Address=, MTU=, Peer=, Except=, DNS= "
			"and Ambient=",
			name);
}

static char *trim(char *s)
{
	char *end;

	while (isspace((unsigned char)*s))
		s++;
	end = s + strlen(s);
	while (end > s && isspace((unsigned char)end[-1]))
		end--;
	*end = '\0';
	return s;
}

/* Splits "key = value" in place. */
static int assign(char *text, struct settings *s, bool *replaced, struct usn_err *e)
{
	char *equals = strchr(text, '=');

	if (!equals)
		return usn_fail(e, EINVAL, "'%.60s' is not KEY=VALUE", text);
	*equals = '\0';
	return set(s, trim(text), trim(equals + 1), replaced, e);
}

static int read_line(char *line, bool *in_section, struct settings *s, bool *replaced,
		     struct usn_err *e)
{
	line = trim(line);
	if (!*line || *line == '#' || *line == ';')
		return 0;
	if (*line == '[') {
		if (strcmp(line, "[Device]"))
			return usn_fail(e, EINVAL,
					"unknown section '%.40s': the section is [Device]", line);
		*in_section = true;
		return 0;
	}
	if (!*in_section)
		return usn_fail(e, EINVAL, "'%.60s' stands before the section [Device]", line);
	return assign(line, s, replaced, e);
}

int settings_read(const char *path, struct settings *s, struct usn_err *e)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	_cleanup_free_ char *line = NULL;
	bool in_section = false, replaced = false;
	struct usn_err why;
	unsigned int number;
	size_t size = 0;
	ssize_t n;

	if (!f && errno == ENOENT)
		return 0;
	if (!f)
		return usn_fail_errno(e, errno, "cannot read %s", path);
	for (number = 1; (n = getline(&line, &size, f)) >= 0; number++) {
		if (memchr(line, '\0', (size_t)n))
			return usn_fail(e, EBADMSG, "%s:%u: the line holds a NUL", path, number);
		if (read_line(line, &in_section, s, &replaced, &why) < 0)
			return usn_fail(e, EBADMSG, "%s:%u: %s", path, number, why.text);
	}
	return ferror(f) ? usn_fail_errno(e, errno, "cannot read %s", path) : 0;
}

int settings_apply(const char *const *words, size_t n, struct settings *s, struct usn_err *e)
{
	bool replaced = false;
	size_t i;

	for (i = 0; i < n; i++) {
		_cleanup_free_ char *word = strdup(words[i]);
		int r = word ? assign(word, s, &replaced, e) : usn_fail(e, ENOMEM, "out of memory");

		if (r < 0)
			return r;
	}
	return 0;
}

int settings_check(const struct settings *s, struct usn_err *e)
{
	char text[PREFIX_TEXT_SIZE];
	size_t i;

	for (i = 0; i < s->n_addresses; i++) {
		if (s->addresses[i].family == AF_INET6 && s->mtu < MTU_MIN_V6)
			return usn_fail(e, EINVAL,
					"MTU=%u is too small for %s: IPv6 needs %d; give only IPv4 "
					"Address= or a larger MTU",
					s->mtu, prefix_text(&s->addresses[i], text), MTU_MIN_V6);
	}
	return 0;
}
