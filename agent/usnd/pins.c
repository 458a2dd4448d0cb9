// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Programs, links and maps in bpffs: publish them, or take them over. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "usnd.skel.h"
#include "usnd/cgroup.h"
#include "usnd/pins.h"

/* Pin names may hold no dot, and no other name in bpffs is ours. */
#define STAGING "/sys/fs/bpf/usn-new"

struct pins {
	struct usnd_bpf *skel;
};

static int path_of(char path[PATH_MAX], const char *dir, const char *kind, const char *name)
{
	return snprintf(path, PATH_MAX, "%s/%s/%s", dir, kind, name);
}

static int mount_bpffs(struct usn_err *e)
{
	struct statfs fs;

	if (!statfs("/sys/fs/bpf", &fs) && fs.f_type == BPF_FS_MAGIC)
		return 0;
	if (mount("bpf", "/sys/fs/bpf", "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700") < 0)
		return usn_fail_errno(e, errno,
				      "/sys/fs/bpf is no BPF file system and cannot be made one");
	return 0;
}

static void remove_tree(int parent_fd, const char *name)
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
			remove_tree(fd, d->d_name);
	}
	if (dir)
		closedir(dir);
	else
		close_fd(fd);
	unlinkat(parent_fd, name, AT_REMOVEDIR);
}

void pins_remove(void)
{
	remove_tree(AT_FDCWD, USN_PINS);
}

static int load(struct pins *p, struct usn_err *e)
{
	int r = usnd_bpf__load(p->skel);

	if (r == -EPERM)
		return usn_fail(e, EPERM,
				"the kernel refuses to load BPF programs: run this as root");
	if (r < 0)
		return usn_fail_errno(e, -r, "the kernel does not accept the BPF programs");
	return 0;
}

/* First agent on this host. */

static int stage_links(struct pins *p, int cgroup_fd, struct usn_err *e)
{
	struct bpf_program *prog;
	char path[PATH_MAX];

	bpf_object__for_each_program(prog, p->skel->obj)
	{
		const char *name = bpf_program__name(prog);
		struct bpf_link *link = bpf_program__attach_cgroup(prog, cgroup_fd);
		int r;

		if (!link)
			return usn_fail_errno(e, errno, "cannot attach %s to the cgroup", name);
		path_of(path, STAGING, "links", name);
		r = bpf_link__pin(link, path);
		bpf_link__destroy(link);
		if (r < 0)
			return usn_fail_errno(e, -r, "cannot pin the link of %s", name);
		path_of(path, STAGING, "progs", name);
		r = bpf_program__pin(prog, path);
		if (r < 0)
			return usn_fail_errno(e, -r, "cannot pin the program %s", name);
	}
	return 0;
}

static int stage_maps(struct pins *p, struct usn_err *e)
{
	struct bpf_map *map;
	char path[PATH_MAX];

	bpf_object__for_each_map(map, p->skel->obj)
	{
		int r;

		path_of(path, STAGING, "maps", bpf_map__name(map));
		r = bpf_map__pin(map, path);
		if (r < 0)
			return usn_fail_errno(e, -r, "cannot pin the map %s", bpf_map__name(map));
	}
	return 0;
}

static int publish(struct pins *p, int cgroup_fd, struct usn_err *e)
{
	static const char *const dirs[] = { STAGING, STAGING "/maps", STAGING "/progs",
					    STAGING "/links" };
	size_t i;
	int r;

	r = load(p, e);
	if (r < 0)
		return r;
	/* What an agent left that was killed in the middle of this: nothing is in use yet. */
	remove_tree(AT_FDCWD, STAGING);
	for (i = 0; i < ARRAY_SIZE(dirs); i++) {
		if (mkdir(dirs[i], 0700) < 0)
			return usn_fail_errno(e, errno, "cannot make %s", dirs[i]);
	}
	r = stage_maps(p, e);
	if (r >= 0)
		r = stage_links(p, cgroup_fd, e);
	if (r >= 0 && renameat2(AT_FDCWD, STAGING, AT_FDCWD, USN_PINS, RENAME_NOREPLACE) < 0)
		r = usn_fail_errno(e, errno, "cannot publish %s", USN_PINS);
	if (r < 0)
		remove_tree(AT_FDCWD, STAGING);
	return r;
}

/* An agent was here before. */

static bool fits(const struct bpf_map *map, int fd)
{
	struct bpf_map_info info = { 0 };
	__u32 len = sizeof(info);

	return !bpf_obj_get_info_by_fd(fd, &info, &len) && info.type == bpf_map__type(map) &&
	       info.key_size == bpf_map__key_size(map) &&
	       info.value_size == bpf_map__value_size(map);
}

static int reuse_maps(struct pins *p, struct usn_err *e)
{
	struct bpf_map *map;
	char path[PATH_MAX];

	bpf_object__for_each_map(map, p->skel->obj)
	{
		_cleanup_close_ int fd = -1;
		int r;

		path_of(path, USN_PINS, "maps", bpf_map__name(map));
		fd = bpf_obj_get(path);
		if (fd < 0)
			return usn_fail_errno(e, -fd, "cannot open the pinned map %s", path);
		if (!fits(map, fd))
			return usn_fail(e, ESTALE,
					"%s is another version's: end all runs, then rm -r %s",
					path, USN_PINS);
		r = bpf_map__reuse_fd(map, fd);
		if (r < 0)
			return usn_fail_errno(e, -r, "cannot take over the map %s", path);
	}
	return 0;
}

static uint64_t linked_cgroup(int link_fd)
{
	struct bpf_link_info info = { 0 };
	__u32 len = sizeof(info);

	return bpf_obj_get_info_by_fd(link_fd, &info, &len) ? 0 : info.cgroup.cgroup_id;
}

static int swap_program(struct bpf_program *prog, int link_fd, struct usn_err *e)
{
	const char *name = bpf_program__name(prog);
	char path[PATH_MAX], staged[PATH_MAX];
	int r = bpf_link_update(link_fd, bpf_program__fd(prog), NULL);

	if (r < 0)
		return usn_fail_errno(e, -r, "cannot replace the program of the link %s", name);
	path_of(path, USN_PINS, "progs", name);
	path_of(staged, USN_PINS, "progs", "new");
	unlink(staged);
	r = bpf_program__pin(prog, staged);
	if (r < 0 || rename(staged, path) < 0)
		return usn_fail_errno(e, r < 0 ? -r : errno, "cannot pin the program %s", name);
	return 0;
}

/* The cgroup above the runs was removed by hand, so no run lives, and its links died with it. */
static int renew_link(struct bpf_program *prog, int cgroup_fd, const char *path, struct usn_err *e)
{
	struct bpf_link *link = bpf_program__attach_cgroup(prog, cgroup_fd);
	const char *staged = USN_PINS "/links/new";
	int r;

	if (!link)
		return usn_fail_errno(e, errno, "cannot attach %s", bpf_program__name(prog));
	unlink(staged);
	r = bpf_link__pin(link, staged);
	bpf_link__destroy(link);
	if (r < 0 || rename(staged, path) < 0)
		return usn_fail_errno(e, r < 0 ? -r : errno, "cannot pin %s", path);
	return 0;
}

static int take_over(struct pins *p, int cgroup_fd, struct usn_err *e)
{
	struct bpf_program *prog;
	char path[PATH_MAX];
	uint64_t id, linked;
	int r;

	r = reuse_maps(p, e);
	if (r >= 0)
		r = load(p, e);
	if (r >= 0)
		r = cgroup_id(cgroup_fd, &id);
	if (r < 0)
		return r;
	bpf_object__for_each_program(prog, p->skel->obj)
	{
		_cleanup_close_ int fd = -1;

		path_of(path, USN_PINS, "links", bpf_program__name(prog));
		fd = bpf_obj_get(path);
		if (fd < 0)
			return usn_fail_errno(e, -fd, "cannot open the pinned link %s", path);
		linked = linked_cgroup(fd);
		if (linked && linked != id)
			return usn_fail(
				e, ESTALE,
				"%s is attached to another cgroup: if nothing runs there, rm -r %s",
				path, USN_PINS);
		r = linked ? swap_program(prog, fd, e) : renew_link(prog, cgroup_fd, path, e);

		if (r < 0)
			return r;
	}
	return 0;
}

int pins_prepare(struct usn_err *e)
{
	if (access("/sys/kernel/btf/vmlinux", R_OK) < 0)
		return usn_fail(e, ENOENT,
				"the kernel has no BTF (/sys/kernel/btf/vmlinux): boot one built "
				"with CONFIG_DEBUG_INFO_BTF=y");
	return mount_bpffs(e);
}

bool pins_exist(void)
{
	return !access(USN_PINS, F_OK);
}

int pins_open(int cgroup_fd, struct pins **ret, struct usn_err *e)
{
	struct pins *p;
	int r;

	p = calloc(1, sizeof(*p));
	if (p)
		p->skel = usnd_bpf__open();
	if (!p || !p->skel) {
		pins_free(p);
		return usn_fail(e, ENOMEM, "cannot open the BPF object: out of memory");
	}
	r = pins_exist() ? take_over(p, cgroup_fd, e) : publish(p, cgroup_fd, e);
	if (r < 0) {
		pins_free(p);
		return r;
	}
	*ret = p;
	return 0;
}

struct pins *pins_free(struct pins *p)
{
	if (p)
		usnd_bpf__destroy(p->skel);
	free(p);
	return NULL;
}

/* The maps. libbpf 1.x returns -errno. */

static int fd_of(const struct bpf_map *map)
{
	return bpf_map__fd(map);
}

int binding_add(struct pins *p, uint64_t cgroup_id, const struct usn_binding *b)
{
	return bpf_map_update_elem(fd_of(p->skel->maps.bindings), &cgroup_id, b, BPF_NOEXIST);
}

int binding_replace(struct pins *p, uint64_t cgroup_id, const struct usn_binding *b)
{
	return bpf_map_update_elem(fd_of(p->skel->maps.bindings), &cgroup_id, b, BPF_EXIST);
}

int binding_get(struct pins *p, uint64_t cgroup_id, struct usn_binding *ret)
{
	return bpf_map_lookup_elem(fd_of(p->skel->maps.bindings), &cgroup_id, ret);
}

int binding_remove(struct pins *p, uint64_t cgroup_id)
{
	return bpf_map_delete_elem(fd_of(p->skel->maps.bindings), &cgroup_id);
}

int binding_next(struct pins *p, uint64_t prev, uint64_t *ret)
{
	return bpf_map_get_next_key(fd_of(p->skel->maps.bindings), prev ? &prev : NULL, ret);
}

int rule_put(struct pins *p, const struct usn_rule_key *k, const struct usn_rule *v)
{
	return bpf_map_update_elem(fd_of(p->skel->maps.rules), k, v, BPF_ANY);
}

int rule_get(struct pins *p, const struct usn_rule_key *k, struct usn_rule *ret)
{
	/* A lookup of exactly this prefix, as nothing longer than the key's can match. */
	return bpf_map_lookup_elem(fd_of(p->skel->maps.rules), k, ret);
}

int rule_remove(struct pins *p, const struct usn_rule_key *k)
{
	return bpf_map_delete_elem(fd_of(p->skel->maps.rules), k);
}

int rule_next(struct pins *p, const struct usn_rule_key *prev, struct usn_rule_key *ret)
{
	return bpf_map_get_next_key(fd_of(p->skel->maps.rules), prev, ret);
}

int device_entry_put(struct pins *p, uint32_t number, const struct usn_device *d)
{
	int cpus = libbpf_num_possible_cpus(), r;
	_cleanup_free_ struct usn_counters *zero = NULL;

	if (cpus < 0)
		return cpus;
	zero = calloc((size_t)cpus, sizeof(*zero));
	if (!zero)
		return -ENOMEM;
	r = bpf_map_update_elem(fd_of(p->skel->maps.counters), &number, zero, BPF_NOEXIST);
	if (r < 0 && r != -EEXIST)
		return r;
	return bpf_map_update_elem(fd_of(p->skel->maps.devices), &number, d, BPF_ANY);
}

int device_entry_get(struct pins *p, uint32_t number, struct usn_device *ret)
{
	return bpf_map_lookup_elem(fd_of(p->skel->maps.devices), &number, ret);
}

void device_entry_remove(struct pins *p, uint32_t number)
{
	bpf_map_delete_elem(fd_of(p->skel->maps.devices), &number);
}

void counters_remove(struct pins *p, uint32_t number)
{
	bpf_map_delete_elem(fd_of(p->skel->maps.counters), &number);
}

int counters_read(struct pins *p, uint32_t number, struct usn_counters *ret)
{
	int cpus = libbpf_num_possible_cpus(), cpu, r;
	_cleanup_free_ struct usn_counters *values = NULL;
	const size_t fields = sizeof(*ret) / sizeof(uint64_t);
	size_t i;

	if (cpus < 0)
		return cpus;
	values = calloc((size_t)cpus, sizeof(*values));
	if (!values)
		return -ENOMEM;
	r = bpf_map_lookup_elem(fd_of(p->skel->maps.counters), &number, values);
	if (r < 0)
		return r;
	/* Nothing but counters is in it (abi.h), so it is an array of them. */
	memset(ret, 0, sizeof(*ret));
	for (cpu = 0; cpu < cpus; cpu++) {
		for (i = 0; i < fields; i++)
			((uint64_t *)ret)[i] += ((uint64_t *)&values[cpu])[i];
	}
	return 0;
}
