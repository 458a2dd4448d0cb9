// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A device's settings: the defaults, and the table of keys with all that is done with each. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
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

/*
 * One key's value into the settings; *replaced tells whether this source has given an address yet.
 */

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

static int set_user(struct settings *s, const char *value, bool *replaced, struct usn_err *e)
{
	(void)replaced;
	return allowed_users(value, s->users, &s->n_users, e);
}

static int set_group(struct settings *s, const char *value, bool *replaced, struct usn_err *e)
{
	(void)replaced;
	return allowed_groups(value, s->groups, &s->n_groups, e);
}

/* Whether two devices' settings have the same of one key. */

/* The order of addresses says nothing. */
static bool same_address(const struct settings *a, const struct settings *b)
{
	size_t i, j;

	if (a->n_addresses != b->n_addresses)
		return false;
	for (i = 0; i < a->n_addresses; i++) {
		for (j = 0; j < b->n_addresses; j++) {
			if (prefix_equal(&a->addresses[i], &b->addresses[j]))
				break;
		}
		if (j == b->n_addresses)
			return false;
	}
	return true;
}

static bool same_mtu(const struct settings *a, const struct settings *b)
{
	return a->mtu == b->mtu;
}

static bool same_peer(const struct settings *a, const struct settings *b)
{
	return a->peer == b->peer;
}

static bool same_except(const struct settings *a, const struct settings *b)
{
	return exempt_equal(&a->except, &b->except);
}

static bool same_dns(const struct settings *a, const struct settings *b)
{
	return !memcmp(&a->dns, &b->dns, sizeof(a->dns));
}

static bool same_ambient(const struct settings *a, const struct settings *b)
{
	return a->ambient == b->ambient;
}

/* One key into the device's entry of the map, and back from there. */

static void store_peer(const struct settings *s, struct usn_device *entry)
{
	entry->peer = s->peer;
}

static void restore_peer(const struct usn_device *entry, struct settings *s)
{
	s->peer = entry->peer;
}

/* Rules are not in the entry: they are in the rule set that the entry names. */
static void store_except(const struct settings *s, struct usn_device *entry)
{
	entry->flags |= s->except.flags;
}

static void restore_except(const struct usn_device *entry, struct settings *s)
{
	s->except.flags = entry->flags & (USN_BIND_LOOPBACK | USN_BIND_LOCAL);
}

static void store_dns(const struct settings *s, struct usn_device *entry)
{
	memcpy(entry->dns, s->dns.servers, sizeof(entry->dns));
	if (s->dns.n)
		entry->flags |= USN_BIND_DNS;
}

static void restore_dns(const struct usn_device *entry, struct settings *s)
{
	static const uint8_t none[sizeof(entry->dns[0])];
	struct dns *dns = &s->dns;

	memcpy(dns->servers, entry->dns, sizeof(dns->servers));
	for (dns->n = 0; dns->n < USN_DNS_MAX; dns->n++) {
		if (!memcmp(entry->dns[dns->n], none, sizeof(none)))
			break;
	}
}

static void store_ambient(const struct settings *s, struct usn_device *entry)
{
	if (s->ambient)
		entry->flags |= USN_DEVICE_AMBIENT;
}

static void restore_ambient(const struct usn_device *entry, struct settings *s)
{
	s->ambient = entry->flags & USN_DEVICE_AMBIENT;
}

/*
 * What is neither stored nor restored is the interface's, and is read from there. A key of the file
 * only has no value of its own on a device: the file is read again whenever it matters.
 */
static const struct key {
	const char *name;
	bool file_only;
	int (*set)(struct settings *s, const char *value, bool *replaced, struct usn_err *e);
	bool (*same)(const struct settings *a, const struct settings *b);
	void (*store)(const struct settings *s, struct usn_device *entry);
	void (*restore)(const struct usn_device *entry, struct settings *s);
} keys[] = {
	/* clang-format off */
	{ "Address", false, set_address, same_address, NULL,          NULL },
	{ "MTU",     false, set_mtu,     same_mtu,     NULL,          NULL },
	{ "Peer",    false, set_peer,    same_peer,    store_peer,    restore_peer },
	{ "Except",  false, set_except,  same_except,  store_except,  restore_except },
	{ "DNS",     false, set_dns,     same_dns,     store_dns,     restore_dns },
	{ "Ambient", false, set_ambient, same_ambient, store_ambient, restore_ambient },
	{ "User",    true,  set_user,    NULL,         NULL,          NULL },
	{ "Group",   true,  set_group,   NULL,         NULL,          NULL },
	/* clang-format on */
};

/* The keys that count in a file only, or all others, as "Address=, MTU= and Peer=". */
static const char *key_names(bool file_only, char list[WORDS_SIZE])
{
	char word[32];
	size_t n = 0, named = 0, i;

	*list = '\0';
	for (i = 0; i < ARRAY_SIZE(keys); i++)
		n += keys[i].file_only == file_only;
	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		if (keys[i].file_only != file_only)
			continue;
		snprintf(word, sizeof(word), "%s=", keys[i].name);
		words_add(list, word, named++, n, "and");
	}
	return list;
}

static int unknown_key(const char *name, bool in_file, struct usn_err *e)
{
	char usual[WORDS_SIZE], more[WORDS_SIZE];

	return usn_fail(e, EINVAL, "unknown key '%.40s': a device has %s%s%s", name,
			key_names(false, usual), in_file ? ", and its file " : "",
			in_file ? key_names(true, more) : "");
}

int settings_set(struct settings *s, const char *name, const char *value, bool *replaced,
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
	return unknown_key(name, in_file, e);
}

const char *settings_differ(const struct settings *a, const struct settings *b)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		if (keys[i].same && !keys[i].same(a, b))
			return keys[i].name;
	}
	return NULL;
}

void settings_store(const struct settings *s, struct usn_device *entry)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		if (keys[i].store)
			keys[i].store(s, entry);
	}
}

void settings_restore(const struct usn_device *entry, struct settings *s)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		if (keys[i].restore)
			keys[i].restore(entry, s);
	}
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
