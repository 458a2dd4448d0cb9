// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A resolv.conf and an nsswitch.conf of a run's own.
 *
 * The bind leads every query to the run's name servers. But glibc need not send one: nss-resolve
 * asks a daemon over a UNIX socket, and so does the name service cache. Neither is in the run.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "client/client.h"
#include "usn-run/names.h"

/* There because of the agent's socket; covered only while the files are made. */
#define STAGE "/run/usn"

#define WHITE " \t\n\v\f\r"

/* Services that look hosts up in this process, by DNS or without asking anybody. */
static bool is_ours(const char *service)
{
	static const char *const ours[] = { "files", "myhostname", "dns" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ours); i++) {
		if (!strcmp(service, ours[i]))
			return true;
	}
	return false;
}

/* "hosts: mymachines resolve [!UNAVAIL=return] files dns" becomes "hosts: files dns". */
static void write_hosts(FILE *f, char *services)
{
	char *save = NULL, *word;
	bool has_dns = false;

	services[strcspn(services, "#\n")] = '\0';
	fputs("hosts:", f);
	for (word = strtok_r(services, " \t", &save); word; word = strtok_r(NULL, " \t", &save)) {
		if (!is_ours(word))
			continue;
		fprintf(f, " %s", word);
		has_dns = has_dns || !strcmp(word, "dns");
	}
	fputs(has_dns ? "\n" : " dns\n", f);
}

/*
 * What is behind the name in the line of hosts; NULL: it is another line. As the C library reads
 * it, the name ends with a colon or with white space: "hosts files dns" is such a line, too.
 */
static char *services_of_hosts(char *line)
{
	char *name = line + strspn(line, WHITE);
	size_t n = strcspn(name, WHITE ":");

	return n == 5 && !strncmp(name, "hosts", n) && name[n] ? name + n + 1 : NULL;
}

static void write_nsswitch(FILE *f)
{
	_cleanup_fclose_ FILE *old = fopen("/etc/nsswitch.conf", "re");
	_cleanup_free_ char *line = NULL;
	size_t size = 0;

	while (old && getline(&line, &size, old) >= 0) {
		char *services = services_of_hosts(line);

		if (services)
			write_hosts(f, services);
		else
			fputs(line, f);
	}
}

static void write_resolv(FILE *f, const json_t *servers)
{
	const json_t *s;
	size_t i;

	fputs("# of this run on a usn device, see usn-run(1)\n", f);
	json_array_foreach(servers, i, s)
		fprintf(f, "nameserver %s\n", client_text(s));
}

static int finish(FILE *f, const char *path, struct usn_err *e)
{
	bool bad = ferror(f);

	if (fclose(f) || bad)
		return usn_fail_errno(e, errno, "cannot write the run's %s", path);
	return 0;
}

static int stage(const json_t *servers, struct usn_err *e)
{
	FILE *f = fopen(STAGE "/resolv.conf", "we");
	int r;

	if (!f)
		return usn_fail_errno(e, errno, "cannot make the run's resolv.conf");
	write_resolv(f, servers);
	r = finish(f, "resolv.conf", e);
	if (r < 0)
		return r;
	f = fopen(STAGE "/nsswitch.conf", "we");
	if (!f || mkdir(STAGE "/nothing", 0755) < 0)
		return usn_fail_errno(e, errno, "cannot make the run's nsswitch.conf");
	write_nsswitch(f);
	return finish(f, "nsswitch.conf", e);
}

/*
 * Covers what is there. What is not there needs no cover: the library then asks DNS, and 127.0.0.1.
 */
static int cover(struct usn_err *e)
{
	static const struct {
		const char *with, *what;
	} covers[] = {
		{ STAGE "/resolv.conf", "/etc/resolv.conf" },
		{ STAGE "/nsswitch.conf", "/etc/nsswitch.conf" },
		{ STAGE "/nothing", "/run/nscd" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(covers); i++) {
		if (mount(covers[i].with, covers[i].what, NULL, MS_BIND, NULL) < 0 &&
		    errno != ENOENT)
			return usn_fail_errno(e, errno, "the run has no %s of its own",
					      covers[i].what);
	}
	return 0;
}

int names_make_private(const json_t *servers, struct usn_err *e)
{
	int r;

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return usn_fail_errno(e, errno, "the run has no resolv.conf of its own");
	if (mount("tmpfs", STAGE, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755") < 0)
		return usn_fail_errno(e, errno, "the run has no resolv.conf of its own");
	r = stage(servers, e);
	if (r >= 0)
		r = cover(e);
	if (umount2(STAGE, MNT_DETACH) < 0 && r >= 0)
		r = usn_fail_errno(e, errno, "cannot uncover %s", STAGE);
	return r;
}
