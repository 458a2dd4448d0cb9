// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A device's settings: defaults, its file, the command line. */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <usn/abi.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "usnd/behind/peer.h"
#include "usnd/device/settings.h"

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
	char names[WORDS_SIZE];

	(void)replaced;
	if (peer_find(value, &s->peer) < 0)
		return usn_fail(e, EINVAL, "Peer=%.40s: use %s", value, peer_names(names));
	return 0;
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

static int find_user(const char *name, uint32_t *ret)
{
	const struct passwd *p = getpwnam(name);

	if (p)
		*ret = p->pw_uid;
	return p ? 0 : parse_u32(name, 0, UINT32_MAX - 1, ret);
}

static int find_group(const char *name, uint32_t *ret)
{
	const struct group *g = getgrnam(name);

	if (g)
		*ret = g->gr_gid;
	return g ? 0 : parse_u32(name, 0, UINT32_MAX - 1, ret);
}

/* Names or numbers, several in a line, several lines; an empty value clears what was there. */
static int add_allowed(const char *key, const char *value,
		       int (*find)(const char *name, uint32_t *ret), uint32_t ids[], size_t *n,
		       struct usn_err *e)
{
	_cleanup_free_ char *words = strdup(value);
	char *rest = words, *word;
	size_t before = *n;

	if (!words)
		return usn_fail(e, ENOMEM, "out of memory");
	while ((word = strsep(&rest, " \t"))) {
		if (!*word)
			continue;
		if (*n == ALLOWED_MAX)
			return usn_fail(e, E2BIG, "%s= takes at most %d names", key, ALLOWED_MAX);
		if (find(word, &ids[*n]) < 0)
			return usn_fail(e, EINVAL, "%s=%.40s: there is none of this name", key,
					word);
		++*n;
	}
	if (*n == before)
		*n = 0;
	return 0;
}

static int set_user(struct settings *s, const char *value, bool *replaced, struct usn_err *e)
{
	(void)replaced;
	return add_allowed("User", value, find_user, s->users, &s->n_users, e);
}

static int set_group(struct settings *s, const char *value, bool *replaced, struct usn_err *e)
{
	(void)replaced;
	return add_allowed("Group", value, find_group, s->groups, &s->n_groups, e);
}

static const struct key {
	const char *name;
	int (*set)(struct settings *s, const char *value, bool *replaced, struct usn_err *e);
	bool file_only; /* it is read again whenever it matters */
} keys[] = {
	/* clang-format off */
	{ "Address", set_address, false },
	{ "MTU", set_mtu, false },
	{ "Peer", set_peer, false },
	{ "Except", set_except, false },
	{ "DNS", set_dns, false },
	{ "Ambient", set_ambient, false },
	{ "User", set_user, true },
	{ "Group", set_group, true },
	/* clang-format on */
};

static int set(struct settings *s, const char *name, const char *value, bool *replaced,
	       bool in_file, struct usn_err *e)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		if (strcmp(name, keys[i].name))
			continue;
		if (keys[i].file_only && !in_file)
			return usn_fail(e, EINVAL,
					"%s= counts in the device's file only: see usn.conf(5)",
					name);
		return keys[i].set(s, value, replaced, e);
	}
	return usn_fail(
		e, EINVAL,
		"unknown key '%.40s': a device has Address=, MTU=, Peer=, Except=, DNS= and "
		"Ambient=%s",
		name, in_file ? ", and its file User= and Group=" : "");
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
static int assign(char *text, struct settings *s, bool *replaced, bool in_file, struct usn_err *e)
{
	char *equals = strchr(text, '=');

	if (!equals)
		return usn_fail(e, EINVAL, "'%.60s' is not KEY=VALUE", text);
	*equals = '\0';
	return set(s, trim(text), trim(equals + 1), replaced, in_file, e);
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
	return assign(line, s, replaced, true, e);
}

void settings_path(uint32_t number, char ret[64])
{
	snprintf(ret, 64, USN_CONFIG_DIR "/usn%u.conf", number);
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
		int r = word ? assign(word, s, &replaced, false, e)
			     : usn_fail(e, ENOMEM, "out of memory");

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
