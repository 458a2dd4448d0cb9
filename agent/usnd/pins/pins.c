// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What is pinned for all devices and runs, and its maps. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "usnd.skel.h"
#include "tap/kernel.h"
#include "tap/verifier.h"
#include "usnd/pins/bundle.h"
#include "usnd/pins/pins.h"

/* Pin names may hold no dot, and no other name in bpffs is ours. */
#define STAGING "/sys/fs/bpf/usn-new"
#define CGROUPS USN_PINS "/cgroups"

struct pins {
	struct usnd_bpf *skel;
};

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

void pins_remove(void)
{
	bundle_remove(USN_PINS);
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

static void pins_freep(struct pins **p)
{
	pins_free(*p);
}

static int pins_new(struct pins **ret, struct usn_err *e)
{
	_cleanup_(pins_freep) struct pins *p = calloc(1, sizeof(*p));

	if (p)
		p->skel = usnd_bpf__open();
	if (!p || !p->skel)
		return usn_fail(e, ENOMEM, "cannot open the BPF object: out of memory");
	p->skel->rodata->can_move_anywhere = kernel_moves_anywhere() == 0;
	*ret = TAKE_PTR(p);
	return 0;
}

static const char *compiler_of(const struct pins *p)
{
	return (const char *)p->skel->rodata->compiler;
}

int pins_open(int cgroup_fd, struct pins **ret, struct usn_err *e)
{
	struct bundle b = { .dir = USN_PINS, .staging = STAGING };
	_cleanup_(pins_freep) struct pins *p = NULL;
	int r = pins_new(&p, e);

	if (r < 0)
		return r;
	b.obj = p->skel->obj;
	b.compiler = compiler_of(p);
	r = pins_exist() ? bundle_take_over(&b, cgroup_fd, e) : bundle_publish(&b, cgroup_fd, e);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(p);
	return 0;
}

int pins_try(struct loaded *ret, struct usn_err *e)
{
	_cleanup_(pins_freep) struct pins *p = NULL;
	int r = pins_new(&p, e);

	if (r >= 0)
		r = verifier_load(p->skel->obj, compiler_of(p), e);
	if (r >= 0)
		loaded_add(ret, p->skel->obj, compiler_of(p));
	return r;
}

struct pins *pins_free(struct pins *p)
{
	if (p)
		usnd_bpf__destroy(p->skel);
	free(p);
	return NULL;
}

/* Cgroups elsewhere. */

static const char *dir_of(uint64_t id, char buf[64])
{
	snprintf(buf, 64, CGROUPS "/%" PRIu64, id);
	return buf;
}

int pins_attach(struct pins *p, int cgroup_fd, uint64_t id, struct usn_err *e)
{
	struct bundle b = { .obj = p->skel->obj };
	char dir[64];

	if (mkdir(CGROUPS, 0700) < 0 && errno != EEXIST)
		return usn_fail_errno(e, errno, "cannot make %s", CGROUPS);
	return bundle_attach(&b, cgroup_fd, dir_of(id, dir), e);
}

/* A cgroup below the agent's own has none, and needs none. */
int pins_refresh(struct pins *p, uint64_t id)
{
	struct bundle b = { .obj = p->skel->obj };
	char dir[64];

	return access(dir_of(id, dir), F_OK) < 0 ? 0 : bundle_refresh(&b, dir);
}

void pins_detach(uint64_t id)
{
	char dir[64];

	bundle_remove(dir_of(id, dir));
	rmdir(CGROUPS);
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
