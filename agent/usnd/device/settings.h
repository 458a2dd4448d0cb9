/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a device can be told: the keys of its file and of the command line are the same ones. */
#ifndef USN_SETTINGS_H
#define USN_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/dns.h"
#include "base/exempt.h"
#include "base/parse.h"
#include "usnd/device/allowed.h"

#define USN_CONFIG_DIR "/etc/usn"
#define ADDRESSES_MAX 64
#define MTU_DEFAULT 1500
#define MTU_MIN 68      /* RFC 791 */
#define MTU_MIN_V6 1280 /* RFC 8200 */
#define MTU_MAX 65535   /* MAX_MTU, drivers/net/tun.c */

struct usn_device;
struct usn_err;

struct settings {
	struct prefix addresses[ADDRESSES_MAX];
	size_t n_addresses;
	uint32_t mtu;
	uint32_t peer;        /* USN_PEER_* */
	struct exempt except; /* what its runs may reach past it, unless they say otherwise */
	bool ambient;         /* ND in the environment of any process may name it */
	struct dns dns;       /* whom its runs ask for names, likewise */
	/* Who may use it beside root; of the file alone, see permit.h. */
	uid_t users[ALLOWED_MAX];
	gid_t groups[ALLOWED_MAX];
	size_t n_users, n_groups;
};

/*
 * usnN: 10.(64 + N/256).(N mod 256).1/24, fd75:736e:0:N::1/64, MTU 1500, no peer, loopback exempt.
 */
void settings_default(uint32_t number, struct settings *ret);

/* Where the device's file is. */
void settings_path(uint32_t number, char ret[64]);

/*
 * Reads path over *s; a file that is not there changes nothing. The first Address= replaces the
 * addresses that were there before. Errors name the file and the line.
 */
int settings_read(const char *path, struct settings *s, struct usn_err *e);

/* Applies "KEY=VALUE" words over *s, with the same rule for Address=. */
int settings_apply(const char *const *words, size_t n, struct settings *s, struct usn_err *e);

/*
 * Gives one key its value. *replaced: whether this source, a file or a command line, has given an
 * address yet. in_file: the keys that count in a file only are taken, too.
 */
int settings_set(struct settings *s, const char *name, const char *value, bool *replaced,
		 bool in_file, struct usn_err *e);

/* The first key whose value in b is another than in a, "MTU" for one; NULL: all are the same. */
const char *settings_differ(const struct settings *a, const struct settings *b);

/*
 * What the kernel does not know of a device, into the entry (all zero but for what is no setting)
 * from which a later agent takes it. The rules of Except= are not there: see ruleset.h.
 */
void settings_store(const struct settings *s, struct usn_device *entry);
void settings_restore(const struct usn_device *entry, struct settings *s);

/* What is wrong only as a whole: an IPv6 address needs its MTU. */
int settings_check(const struct settings *s, struct usn_err *e);

#endif
