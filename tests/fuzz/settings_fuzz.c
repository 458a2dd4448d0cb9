// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Any bytes as a device's file, and, behind a byte of 0xff, words of the command line, one a line.
 * What is taken is in range, holds no address twice, and written out again it is the same; what is
 * refused says why, and of a file names the line.
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
#include "usnd/behind/peer.h"
#include "usnd/device/settings.h"
#include "fuzz.h"

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

static void put_list(FILE *f, const char *key, const uint32_t ids[], size_t n)
{
	for (size_t i = 0; i < n; i++)
		fprintf(f, "%s=%u\n", key, ids[i]);
}

static void put_exemptions(FILE *f, const struct exempt *x)
{
	char text[EXEMPT_TEXT_SIZE];

	fprintf(f, "Except=\n%s%s", x->flags & USN_BIND_LOOPBACK ? "Except=loopback\n" : "",
		x->flags & USN_BIND_LOCAL ? "Except=local\n" : "");
	for (size_t i = 0; i < x->n; i++)
		fprintf(f, "Except=%s\n", exempt_rule_text(&x->rules[i], text));
}

static void put_settings(FILE *f, const struct settings *s)
{
	char text[PREFIX_TEXT_SIZE], server[DNS_TEXT_SIZE];

	fprintf(f, "[Device]\nMTU=%u\nPeer=%s\nAmbient=%s\n", s->mtu, peer_name(s->peer),
		s->ambient ? "yes" : "no");
	for (size_t i = 0; i < s->n_addresses; i++)
		fprintf(f, "Address=%s\n", prefix_text(&s->addresses[i], text));
	put_exemptions(f, &s->except);
	for (size_t i = 0; i < s->dns.n; i++)
		fprintf(f, "%s%s", i ? "," : "DNS=", dns_server_text(s->dns.servers[i], server));
	fputc('\n', f);
	put_list(f, "User", s->users, s->n_users);
	put_list(f, "Group", s->groups, s->n_groups);
}

static int same_ids(const uint32_t a[], size_t n_a, const uint32_t b[], size_t n_b)
{
	return n_a == n_b && !memcmp(a, b, n_a * sizeof(*a));
}

static void check_same_again(const struct settings *s)
{
	char path[64], *out = NULL;
	struct settings again;
	struct usn_err e;
	size_t size = 0;
	FILE *f = open_memstream(&out, &size);

	demand(f != NULL);
	put_settings(f, s);
	demand(!fclose(f));
	demand(!read_bytes(out, size, path, &again, &e));
	demand(again.mtu == s->mtu && again.peer == s->peer && again.ambient == s->ambient);
	demand(again.n_addresses == s->n_addresses);
	for (size_t i = 0; i < s->n_addresses; i++)
		demand(prefix_equal(&again.addresses[i], &s->addresses[i]));
	demand(exempt_equal(&again.except, &s->except));
	demand(!memcmp(&again.dns, &s->dns, sizeof(s->dns)));
	demand(same_ids(again.users, again.n_users, s->users, s->n_users));
	demand(same_ids(again.groups, again.n_groups, s->groups, s->n_groups));
	free(out);
}

static void check_reason(const struct usn_err *e, int r)
{
	demand(e->code == -r && *e->text);
	for (const char *c = e->text; *c; c++)
		demand((unsigned char)*c >= ' ' && *c != 0x7f);
}

static void read_file(const uint8_t *data, size_t size, struct settings *s)
{
	struct usn_err e;
	char path[64];
	int r = read_bytes(data, size, path, s, &e);

	demand(r <= 0);
	if (r < 0) {
		check_reason(&e, r);
		demand(!strncmp(e.text, path, strlen(path)) && e.text[strlen(path)] == ':');
		return;
	}
	check_taken(s);
	check_same_again(s);
}

static void apply_words(char *text, struct settings *s)
{
	const char *words[16];
	struct usn_err e;
	size_t n = 0;
	int r;

	while (n < ARRAY_SIZE(words) && text)
		words[n++] = strsep(&text, "\n");
	r = settings_apply(words, n, s, &e);
	demand(r <= 0);
	if (r >= 0)
		check_taken(s);
	else
		check_reason(&e, r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *mark = size ? memchr(data, 0xff, size) : NULL;
	size_t n = mark ? (size_t)(mark - data) : size;
	struct settings s;
	struct usn_err e;
	char *words;

	read_file(data, n, &s);
	settings_default(4095, &s);
	if (mark) {
		words = strndup((const char *)mark + 1, size - n - 1);
		apply_words(words, &s);
		free(words);
	}
	settings_check(&s, &e);
	return 0;
}
