// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * usn doctor: programs of others on the cgroups above the runs.
 * The kernel asks them as well as usn's: first those of the cgroup further in,
 * and on one cgroup in the order in which they were attached.
 */
#include <bpf/bpf.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cgroup2.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "usn/doctor/doctor.h"
#include "usn/doctor/probe.h"

#define PROGRAMS_MAX 64 /* of one hook; the kernel's limit (BPF_CGROUP_MAX_PROGS) */

/* The ids of usn's own programs: for the runs, and for ambient mode. */
struct own {
	size_t n;
	__u32 ids[2 * N_HOOKS];
};

static void find_own(struct own *own, const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *d;

	while (dir && own->n < ARRAY_SIZE(own->ids) && (d = readdir(dir))) {
		_cleanup_close_ int fd = -1;
		struct bpf_prog_info info = { 0 };
		__u32 len = sizeof(info);
		char pin[300];

		snprintf(pin, sizeof(pin), "%s/%s", path, d->d_name);
		fd = d->d_name[0] == '.' ? -1 : bpf_obj_get(pin);
		if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &len))
			own->ids[own->n++] = info.id;
	}
	if (dir)
		closedir(dir);
}

static bool is_own(const struct own *own, __u32 id)
{
	size_t i;

	for (i = 0; i < own->n; i++) {
		if (own->ids[i] == id)
			return true;
	}
	return false;
}

static void name_program(struct finding *f, __u32 id, const struct hook *h)
{
	_cleanup_close_ int fd = bpf_prog_get_fd_by_id(id);
	struct bpf_prog_info info = { 0 };
	__u32 len = sizeof(info);

	/* It has ended meanwhile. */
	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len) < 0)
		return;
	finding_say_also(f, "%s (id %u, %s)", info.name[0] ? info.name : "without a name", id,
			 h->name);
}

/*
 * flags of a query: 0, or BPF_F_QUERY_EFFECTIVE, which has the programs of the cgroups above, too.
 */
static void query(struct finding *f, int cgroup_fd, const struct hook *h, __u32 flags,
		  const struct own *own)
{
	__u32 ids[PROGRAMS_MAX], n = PROGRAMS_MAX, i;

	if (bpf_prog_query(cgroup_fd, h->attach, flags, NULL, ids, &n) < 0)
		return;
	for (i = 0; i < n; i++) {
		if (!is_own(own, ids[i]))
			name_program(f, ids[i], h);
	}
}

/*
 * A single program that was attached to stand alone, as was usual before BPF_F_ALLOW_MULTI:
 * below it the kernel takes no other (hierarchy_allows_attach, kernel/bpf/cgroup.c),
 * or with BPF_F_ALLOW_OVERRIDE another in its place.
 */
static void judge(struct finding *f, int cgroup_fd, const struct hook *h)
{
	__u32 flags = 0, ids[PROGRAMS_MAX], n = PROGRAMS_MAX;

	if (bpf_prog_query(cgroup_fd, h->attach, 0, &flags, ids, &n) < 0 || !n ||
	    flags & BPF_F_ALLOW_MULTI)
		return;
	if (flags & BPF_F_ALLOW_OVERRIDE)
		finding_advise(
			f, FINDING_WARN,
			"the one at %s does not see runs, as usn's takes its place: have its "
			"owner attach it with BPF_F_ALLOW_MULTI",
			h->name);
	else
		finding_advise(
			f, FINDING_MISSING,
			"usnd does not start, as the one at %s keeps others away: detach it, or "
			"have its owner attach it with BPF_F_ALLOW_MULTI",
			h->name);
}

void doctor_foreign(struct finding *f)
{
	_cleanup_close_ int root_fd = -1, usn_fd = -1;
	_cleanup_free_ char *root = NULL;
	struct own own = { 0 };
	struct usn_err e;
	size_t i;

	if (cgroup_open_root(&root_fd, &root, &e) < 0) {
		finding_say(f, "no cgroup v2 tree to look at");
		return;
	}
	usn_fd = openat(root_fd, "usn", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	find_own(&own, "/sys/fs/bpf/usn/progs");
	find_own(&own, "/sys/fs/bpf/usn/ambient/progs");
	for (i = 0; i < N_HOOKS; i++) {
		query(f, root_fd, &hooks[i], BPF_F_QUERY_EFFECTIVE, &own);
		judge(f, root_fd, &hooks[i]);
		if (usn_fd >= 0)
			query(f, usn_fd, &hooks[i], 0, &own);
	}
	if (!f->found[0]) {
		finding_say(f, "none");
		return;
	}
	finding_advise(
		f, FINDING_WARN,
		"these see the sockets of runs, too, before or after usn's own, and may refuse "
		"or change what those decide: bpftool cgroup tree %s shows where they are",
		root);
}
