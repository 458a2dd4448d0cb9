// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Any text where proc(5) has what others have named: mounts, cgroups, processes, the model of the
 * processor. The input is these files, each as far as a NUL, in the order of the table.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cgroup2.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/mountinfo.h"
#include "base/pidfd.h"
#include "capture/pcapng.h"
#include "capture/process_facts.h"
#include "fuzz.h"

/* By the last part of their names. */
static struct {
	const char *name;
	char *text; /* NULL: there is no such file */
} files[] = {
	{ "mountinfo", NULL }, { "cgroup", NULL }, { "stat", NULL },    { "status", NULL },
	{ "comm", NULL },      { "exe", NULL },    { "cpuinfo", NULL }, { "9", NULL },
};

static bool serving;

static const char *text_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		if (!strcmp(slash ? slash + 1 : path, files[i].name))
			return files[i].text;
	}
	return NULL;
}

static int open_text(const char *path)
{
	const char *text = text_of(path);
	int fd = text ? memfd_create("proc", MFD_CLOEXEC) : -1;

	if (fd < 0) {
		errno = ENOENT;
		return -1;
	}
	demand(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	demand(!lseek(fd, 0, SEEK_SET));
	return fd;
}

FILE *__real_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode);
int __real_openat(int dir, const char *path, int flags, ...);
int __wrap_openat(int dir, const char *path, int flags, ...);
ssize_t __real_readlinkat(int dir, const char *path, char *ret, size_t size);
ssize_t __wrap_readlinkat(int dir, const char *path, char *ret, size_t size);

FILE *__wrap_fopen(const char *path, const char *mode)
{
	int fd;

	if (!serving)
		return __real_fopen(path, mode);
	fd = open_text(path);
	return fd < 0 ? NULL : fdopen(fd, "r");
}

int __wrap_openat(int dir, const char *path, int flags, ...)
{
	va_list ap;
	int mode;

	va_start(ap, flags);
	mode = va_arg(ap, int);
	va_end(ap);
	return serving ? open_text(path) : __real_openat(dir, path, flags, mode);
}

ssize_t __wrap_readlinkat(int dir, const char *path, char *ret, size_t size)
{
	const char *text = serving ? text_of(path) : NULL;
	size_t n = text ? strlen(text) : 0;

	if (!serving)
		return __real_readlinkat(dir, path, ret, size);
	if (!n)
		return -1;
	n = n < size ? n : size;
	memcpy(ret, text, n);
	return (ssize_t)n;
}

static void check_mounts(void)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/self/mountinfo", "re");
	struct mount *m = malloc(sizeof(*m));
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int fd = -1;
	struct usn_err e;
	int r;

	while (f && (r = mountinfo_next(f, m))) {
		if (r < 0)
			continue;
		demand(strnlen(m->root, sizeof(m->root)) < sizeof(m->root));
		demand(strnlen(m->point, sizeof(m->point)) < sizeof(m->point));
		demand(strnlen(m->fstype, sizeof(m->fstype)) < sizeof(m->fstype));
	}
	free(m);
	if (cgroup_open_root(&fd, &path, &e) >= 0)
		demand(fd >= 0 && path);
	else
		demand(e.code > 0 && *e.text);
}

static void check_process(void)
{
	struct usn_record rec = { .pid = 1, .tid = 1, .comm = "init" };
	char *cgroup = cgroup_of_process(1);
	struct process_facts *facts = malloc(sizeof(*facts));

	demand(!cgroup || !strchr(cgroup, '\n'));
	free(cgroup);
	process_facts_get(&rec, UINT64_MAX, facts);
	demand(strnlen(facts->path, PATH_MAX) < PATH_MAX);
	demand(strnlen(facts->cgroup, PATH_MAX) < PATH_MAX && !strchr(facts->cgroup, '\n'));
	free(facts);
	pidfd_pid(9);
}

static void check_section(void)
{
	static int null = -1;
	struct pcapng *w = NULL;

	if (null < 0)
		null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	demand(!pcapng_open(null, "fuzz", &w));
	pcapng_free(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		files[i].text = size ? take_string(&data, &size) : NULL;
	serving = true;
	check_mounts();
	check_process();
	check_section();
	serving = false;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		free(files[i].text);
	return 0;
}
