// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Descriptors in the service manager's keeping. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "client/varlink.h"
#include "usnd/os/notify.h"
#include "usnd/os/store.h"

/* Of the descriptors from SD_LISTEN_FDS_START on; NULL: taken. */
static char **kept;
static int n_kept;

void store_open(void)
{
	n_kept = sd_listen_fds_with_names(true, &kept);
	if (n_kept < 0)
		log_line(LOG_WARNING, "cannot take what the service manager has kept: %s",
			 strerror(-n_kept));
}

static int take(int i)
{
	free(kept[i]);
	kept[i] = NULL;
	return SD_LISTEN_FDS_START + i;
}

void store_close(void)
{
	int i;

	for (i = 0; i < n_kept; i++) {
		if (!kept[i])
			continue;
		store_remove(kept[i]);
		close_fd(take(i));
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
	int i;

	for (i = 0; i < n_kept; i++) {
		if (kept[i] && !strcmp(kept[i], name))
			return take(i);
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
