// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A BPF object in bpffs: published by one rename, or taken over from an earlier agent. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "tap/verifier.h"
#include "usnd/os/cgroup.h"
#include "usnd/pins/bundle.h"

static int path_of(char path[PATH_MAX], const char *dir, const char *kind, const char *name)
{
	return snprintf(path, PATH_MAX, "%s/%s/%s", dir, kind, name);
}

static void remove_at(int parent_fd, const char *name)
{
	int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct dirent *d;
	DIR *dir;

	if (fd < 0) {
		unlinkat(parent_fd, name, 0);
		return;
	}
	dir = fdopendir(fd);
	while (dir && (d = readdir(dir))) {
		if (strcmp(d->d_name, ".") && strcmp(d->d_name, ".."))
			remove_at(fd, d->d_name);
	}
	if (dir)
		closedir(dir);
	else
		close_fd(fd);
	unlinkat(parent_fd, name, AT_REMOVEDIR);
}

void bundle_remove(const char *dir)
{
	remove_at(AT_FDCWD, dir);
}

/* Constants and what this kernel has no use for are not pinned. */
static bool is_pinned(const struct bpf_map *map)
{
	return !bpf_map__is_internal(map) && bpf_map__autocreate(map);
}

static bool fits(const struct bpf_map *map, int fd)
{
	struct bpf_map_info info = { 0 };
	__u32 len = sizeof(info);

	return !bpf_obj_get_info_by_fd(fd, &info, &len) && info.type == bpf_map__type(map) &&
	       info.key_size == bpf_map__key_size(map) &&
	       info.value_size == bpf_map__value_size(map);
}

/* -ENOENT, without a word in *e: it is not in this directory. */
static int reuse_map(struct bpf_map *map, const char *dir, struct usn_err *e)
{
	_cleanup_close_ int fd = -1;
	char path[PATH_MAX];
	int r;

	path_of(path, dir, "maps", bpf_map__name(map));
	fd = bpf_obj_get(path);
	if (fd == -ENOENT)
		return fd;
	if (fd < 0)
		return usn_fail_errno(e, -fd, "cannot open the pinned map %s", path);
	if (!fits(map, fd))
		return usn_fail(e, ESTALE,
				"%s is another version's: end all runs, then rm -r /sys/fs/bpf/usn",
				path);
	r = bpf_map__reuse_fd(map, fd);
	return r < 0 ? usn_fail_errno(e, -r, "cannot take over the map %s", path) : 0;
}

static bool is_shared(const struct bundle *b, const struct bpf_map *map)
{
	char path[PATH_MAX];

	if (!b->maps)
		return false;
	path_of(path, b->maps, "maps", bpf_map__name(map));
	return !access(path, F_OK);
}

/* own: the maps in the bundle's own directory too, all of which must be there. */
static int reuse_maps(const struct bundle *b, bool own, struct usn_err *e)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, b->obj)
	{
		const char *dir = is_shared(b, map) ? b->maps : own ? b->dir : NULL;
		int r;

		if (!is_pinned(map) || !dir)
			continue;
		r = reuse_map(map, dir, e);
		if (r == -ENOENT)
			return usn_fail_errno(e, ENOENT, "cannot open the pinned map %s/maps/%s",
					      dir, bpf_map__name(map));
		if (r < 0)
			return r;
	}
	return 0;
}

/* First agent on this host. */

static int stage_links(const struct bundle *b, int cgroup_fd, struct usn_err *e)
{
	struct bpf_program *prog;
	char path[PATH_MAX];

	bpf_object__for_each_program(prog, b->obj)
	{
		const char *name = bpf_program__name(prog);
		struct bpf_link *link = bpf_program__attach_cgroup(prog, cgroup_fd);
		int r;

		if (!link)
			return usn_fail_errno(e, errno, "cannot attach %s to the cgroup", name);
		path_of(path, b->staging, "links", name);
		r = bpf_link__pin(link, path);
		bpf_link__destroy(link);
		if (r < 0)
			return usn_fail_errno(e, -r, "cannot pin the link of %s", name);
		path_of(path, b->staging, "progs", name);
		r = bpf_program__pin(prog, path);
		if (r < 0)
			return usn_fail_errno(e, -r, "cannot pin the program %s", name);
	}
	return 0;
}

static int stage_maps(const struct bundle *b, struct usn_err *e)
{
	struct bpf_map *map;
	char path[PATH_MAX];

	bpf_object__for_each_map(map, b->obj)
	{
		int r;

		if (!is_pinned(map) || is_shared(b, map))
			continue;
		path_of(path, b->staging, "maps", bpf_map__name(map));
		r = bpf_map__pin(map, path);
		if (r < 0)
			return usn_fail_errno(e, -r, "cannot pin the map %s", bpf_map__name(map));
	}
	return 0;
}

static int make_staging(const struct bundle *b, struct usn_err *e)
{
	static const char *const kinds[] = { "", "maps", "progs", "links" };
	char path[PATH_MAX];
	size_t i;

	/* What an agent left that was killed in the middle of this: nothing is in use yet. */
	bundle_remove(b->staging);
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		snprintf(path, sizeof(path), "%s/%s", b->staging, kinds[i]);
		if (mkdir(path, 0700) < 0)
			return usn_fail_errno(e, errno, "cannot make %s", path);
	}
	return 0;
}

int bundle_publish(const struct bundle *b, int cgroup_fd, struct usn_err *e)
{
	int r = reuse_maps(b, false, e);

	if (r >= 0)
		r = verifier_load(b->obj, b->compiler, e);
	if (r < 0)
		return r;
	r = make_staging(b, e);
	if (r >= 0)
		r = stage_maps(b, e);
	if (r >= 0)
		r = stage_links(b, cgroup_fd, e);
	if (r >= 0 && renameat2(AT_FDCWD, b->staging, AT_FDCWD, b->dir, RENAME_NOREPLACE) < 0)
		r = usn_fail_errno(e, errno, "cannot publish %s", b->dir);
	if (r < 0)
		bundle_remove(b->staging);
	return r;
}

/* An agent was here before. */

static uint64_t linked_cgroup(int link_fd)
{
	struct bpf_link_info info = { 0 };
	__u32 len = sizeof(info);

	return bpf_obj_get_info_by_fd(link_fd, &info, &len) ? 0 : info.cgroup.cgroup_id;
}

static int swap_program(const struct bundle *b, struct bpf_program *prog, int link_fd,
			struct usn_err *e)
{
	const char *name = bpf_program__name(prog);
	char path[PATH_MAX], staged[PATH_MAX];
	int r = bpf_link_update(link_fd, bpf_program__fd(prog), NULL);

	if (r < 0)
		return usn_fail_errno(e, -r, "cannot replace the program of the link %s", name);
	path_of(path, b->dir, "progs", name);
	path_of(staged, b->dir, "progs", "new");
	unlink(staged);
	r = bpf_program__pin(prog, staged);
	if (r < 0 || rename(staged, path) < 0)
		return usn_fail_errno(e, r < 0 ? -r : errno, "cannot pin the program %s", name);
	return 0;
}

/* The cgroup above the runs was removed by hand, so no run lives, and its links died with it. */
static int renew_link(const struct bundle *b, struct bpf_program *prog, int cgroup_fd,
		      const char *path, struct usn_err *e)
{
	struct bpf_link *link = bpf_program__attach_cgroup(prog, cgroup_fd);
	char staged[PATH_MAX];
	int r;

	if (!link)
		return usn_fail_errno(e, errno, "cannot attach %s", bpf_program__name(prog));
	path_of(staged, b->dir, "links", "new");
	unlink(staged);
	r = bpf_link__pin(link, staged);
	bpf_link__destroy(link);
	if (r < 0 || rename(staged, path) < 0)
		return usn_fail_errno(e, r < 0 ? -r : errno, "cannot pin %s", path);
	return 0;
}

static int take_over_link(const struct bundle *b, struct bpf_program *prog, int cgroup_fd,
			  struct usn_err *e)
{
	_cleanup_close_ int fd = -1;
	uint64_t id = 0, linked;
	char path[PATH_MAX];
	int r = cgroup_fd < 0 ? 0 : cgroup_id(cgroup_fd, &id);

	if (r < 0)
		return usn_fail_errno(e, -r, "cannot read the cgroup's id");
	path_of(path, b->dir, "links", bpf_program__name(prog));
	fd = bpf_obj_get(path);
	if (fd < 0)
		return usn_fail_errno(e, -fd, "cannot open the pinned link %s", path);
	linked = linked_cgroup(fd);
	if (id && linked && linked != id)
		return usn_fail(e, ESTALE,
				"%s is attached to another cgroup: if nothing runs there, rm -r %s",
				path, b->dir);
	if (!linked && id)
		return renew_link(b, prog, cgroup_fd, path, e);
	return swap_program(b, prog, fd, e);
}

int bundle_take_over(const struct bundle *b, int cgroup_fd, struct usn_err *e)
{
	struct bpf_program *prog;
	int r = reuse_maps(b, true, e);

	if (r >= 0)
		r = verifier_load(b->obj, b->compiler, e);
	if (r < 0)
		return r;
	bpf_object__for_each_program(prog, b->obj)
	{
		r = take_over_link(b, prog, cgroup_fd, e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Other cgroups. */

static int attach_link(struct bpf_program *prog, int cgroup_fd, const char *dir, struct usn_err *e)
{
	struct bpf_link *link = bpf_program__attach_cgroup(prog, cgroup_fd);
	char path[PATH_MAX];
	int r;

	if (!link)
		return usn_fail_errno(e, errno, "cannot attach %s to the cgroup",
				      bpf_program__name(prog));
	snprintf(path, sizeof(path), "%s/%s", dir, bpf_program__name(prog));
	r = bpf_link__pin(link, path);
	bpf_link__destroy(link);
	return r < 0 ? usn_fail_errno(e, -r, "cannot pin %s", path) : 0;
}

int bundle_attach(const struct bundle *b, int cgroup_fd, const char *dir, struct usn_err *e)
{
	struct bpf_program *prog;

	if (mkdir(dir, 0700) < 0)
		return usn_fail_errno(e, errno, "cannot make %s", dir);
	bpf_object__for_each_program(prog, b->obj)
	{
		int r = attach_link(prog, cgroup_fd, dir, e);

		if (r < 0) {
			bundle_remove(dir);
			return r;
		}
	}
	return 0;
}

int bundle_refresh(const struct bundle *b, const char *dir)
{
	struct bpf_program *prog;
	char path[PATH_MAX];

	bpf_object__for_each_program(prog, b->obj)
	{
		_cleanup_close_ int fd = -1;
		int r;

		snprintf(path, sizeof(path), "%s/%s", dir, bpf_program__name(prog));
		fd = bpf_obj_get(path);
		r = fd < 0 ? fd : bpf_link_update(fd, bpf_program__fd(prog), NULL);
		if (r < 0)
			return r;
	}
	return 0;
}
