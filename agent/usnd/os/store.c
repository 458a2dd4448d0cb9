// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Descriptors in the service manager's keeping. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/notify.h"
#include "base/parse.h"
#include "client/varlink.h"
#include "usnd/os/store.h"

#define FIRST_FD 3 /* SD_LISTEN_FDS_START */

struct kept {
	char *name;
	int fd; /* -1: taken */
};

static struct kept *kept;
static size_t n_kept;

static uint32_t number(const char *variable)
{
	const char *text = getenv(variable);
	uint32_t n;

	return text && parse_u32(text, 0, INT32_MAX, &n) >= 0 ? n : 0;
}

void store_open(void)
{
	const char *list = getenv("LISTEN_FDNAMES");
	_cleanup_free_ char *names = NULL;
	char *rest, *name;
	uint32_t n = number("LISTEN_FDS"), i;

	if (list && number("LISTEN_PID") == (uint32_t)getpid())
		names = strdup(list);
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	kept = names && n ? calloc(n, sizeof(*kept)) : NULL;
	if (!kept)
		return;
	rest = names;
	for (i = 0; i < n && (name = strsep(&rest, ":")); i++) {
		fcntl(FIRST_FD + (int)i, F_SETFD, FD_CLOEXEC);
		kept[n_kept++] = (struct kept){ .name = strdup(name), .fd = FIRST_FD + (int)i };
	}
}

void store_close(void)
{
	size_t i;

	for (i = 0; i < n_kept; i++) {
		if (kept[i].fd >= 0 && kept[i].name)
			store_remove(kept[i].name);
		close_fd(kept[i].fd);
		free(kept[i].name);
	}
	free(kept);
	kept = NULL;
	n_kept = 0;
}

bool store_is_for_another(void)
{
	return !notify_wanted() && !access(USN_MANAGED, F_OK);
}

int store_take(const char *name)
{
	size_t i;

	for (i = 0; i < n_kept; i++) {
		if (kept[i].fd >= 0 && kept[i].name && !strcmp(kept[i].name, name))
			return TAKE_FD(kept[i].fd);
	}
	return -1;
}

static void tell(const char *verb, const char *name, int fd)
{
	char state[128];
	int r;

	snprintf(state, sizeof(state), "%s=1\nFDNAME=%s", verb, name);
	r = notify_send(state, fd);
	if (r < 0)
		log_line(LOG_WARNING, "the service manager cannot keep the descriptor %s: %s", name,
			 strerror(-r));
}

void store_put(const char *name, int fd)
{
	/* Of one name the manager would keep several. */
	store_remove(name);
	tell("FDSTORE", name, fd);
}

void store_remove(const char *name)
{
	tell("FDSTOREREMOVE", name, -1);
}
