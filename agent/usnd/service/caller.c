// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What a user has of connections. */
#include "usnd/service/caller.h"

size_t callers_of(const struct callers *all, uid_t uid)
{
	const struct caller *c;
	size_t n = 0;

	LIST_FOREACH(c, &all->list, list)
	{
		n += c->cred.uid == uid;
	}
	return n;
}

size_t callers_taps_of(const struct callers *all, uid_t uid)
{
	const struct caller *c;
	size_t n = 0;

	LIST_FOREACH(c, &all->list, list)
	{
		n += c->tap && c->cred.uid == uid;
	}
	return n;
}
