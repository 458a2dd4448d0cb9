// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Any bytes as a device's file. What is taken is in range, holds no address twice, and written out again
 * it is the same; what is refused names file and line.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "usnd/device/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(int condition)
{
	if (!condition)
		abort();
}

static int read_bytes(const void *data, size_t size, char path[64], struct settings *s,
		      struct usn_err *e)
{
	int fd = memfd_create("usn.conf", MFD_CLOEXEC), r;

	demand(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, 64, "/proc/self/fd/%d", fd);
	settings_default(1, s);
	r = settings_read(path, s, e);
	close(fd);
	return r;
}

static void check_taken(const struct settings *s)
{
	demand(s->mtu >= MTU_MIN && s->mtu <= MTU_MAX);
	demand(s->n_addresses >= 1 && s->n_addresses <= ADDRESSES_MAX);
	demand(strcmp(peer_name(s->peer), "unknown"));
	for (size_t i = 0; i < s->n_addresses; i++) {
		for (size_t j = 0; j < i; j++)
			demand(!prefix_equal(&s->addresses[i], &s->addresses[j]));
	}
}

static void check_same_again(const struct settings *s)
{
	char text[PREFIX_TEXT_SIZE], path[64], *out = NULL;
	struct settings again;
	struct usn_err e;
	size_t size = 0;
	FILE *f = open_memstream(&out, &size);

	demand(f != NULL);
	fprintf(f, "[Device]\nMTU=%u\nPeer=%s\n", s->mtu, peer_name(s->peer));
	for (size_t i = 0; i < s->n_addresses; i++)
		fprintf(f, "Address=%s\n", prefix_text(&s->addresses[i], text));
	demand(!fclose(f));
	demand(!read_bytes(out, size, path, &again, &e));
	demand(again.mtu == s->mtu && again.peer == s->peer);
	demand(again.n_addresses == s->n_addresses);
	for (size_t i = 0; i < s->n_addresses; i++)
		demand(prefix_equal(&again.addresses[i], &s->addresses[i]));
	free(out);
}

static void check_refused(const struct usn_err *e, int r, const char *path)
{
	demand(e->code == -r);
	demand(!strncmp(e->text, path, strlen(path)));
	demand(e->text[strlen(path)] == ':');
	for (const char *c = e->text; *c; c++)
		demand((unsigned char)*c >= ' ' && *c != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct settings s;
	struct usn_err e;
	char path[64];
	int r = read_bytes(data, size, path, &s, &e);

	demand(r <= 0);
	if (r < 0) {
		check_refused(&e, r, path);
		return 0;
	}
	check_taken(&s);
	check_same_again(&s);
	settings_check(&s, &e);
	return 0;
}
