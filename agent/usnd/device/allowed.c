// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Users and groups, by name or number. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/parse.h"
#include "usnd/device/allowed.h"

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

int allowed_users(const char *value, uid_t users[ALLOWED_MAX], size_t *n, struct usn_err *e)
{
	return add_allowed("User", value, find_user, users, n, e);
}

int allowed_groups(const char *value, gid_t groups[ALLOWED_MAX], size_t *n, struct usn_err *e)
{
	return add_allowed("Group", value, find_group, groups, n, e);
}
