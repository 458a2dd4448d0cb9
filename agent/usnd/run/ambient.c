// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Ambient mode: on, off, and which devices may be named. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ambient.skel.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "tap/kernel.h"
#include "tap/verifier.h"
#include "usnd/agent.h"
#include "usnd/device/device.h"
#include "usnd/os/cgroup.h"
#include "usnd/pins/bundle.h"
#include "usnd/pins/pins.h"
#include "usnd/run/ambient.h"

#define DIR_PATH USN_PINS "/ambient"

struct ambient {
	struct ambient_bpf *skel;
	uint64_t cgroup_id;
};

struct ambient *ambient_free(struct ambient *m)
{
	if (m)
		ambient_bpf__destroy(m->skel);
	free(m);
	return NULL;
}

static void ambient_freep(struct ambient **m)
{
	ambient_free(*m);
}

/* storage: with task storage, else with the LRU. */
static int ambient_new(struct ambient **ret, bool storage, struct usn_err *e)
{
	_cleanup_(ambient_freep) struct ambient *m = calloc(1, sizeof(*m));

	if (m)
		m->skel = ambient_bpf__open();
	if (!m || !m->skel)
		return usn_fail(e, ENOMEM, "cannot open the BPF object: out of memory");
	m->skel->rodata->has_task_storage = storage;
	m->skel->rodata->can_move_anywhere = kernel_moves_anywhere() == 0;
	bpf_map__set_autocreate(m->skel->maps.seen, storage);
	bpf_map__set_autocreate(m->skel->maps.seen_lru, !storage);
	*ret = TAKE_PTR(m);
	return 0;
}

static const char *compiler_of(const struct ambient *m)
{
	return (const char *)m->skel->rodata->compiler;
}

/* cgroup_fd -1: what an earlier agent attached stays where it is. */
static int load(struct ambient **ret, int cgroup_fd, bool storage, struct usn_err *e)
{
	struct bundle b = { .dir = DIR_PATH, .staging = USN_PINS "/ambient-new", .maps = USN_PINS };
	_cleanup_(ambient_freep) struct ambient *m = NULL;
	int r = ambient_new(&m, storage, e);

	if (r < 0)
		return r;
	b.obj = m->skel->obj;
	b.compiler = compiler_of(m);
	r = cgroup_fd < 0 ? bundle_take_over(&b, -1, e) : bundle_publish(&b, cgroup_fd, e);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(m);
	return 0;
}

/*
 * What the kernel refused, or -ENOSYS with another reason if that is known to be the kernel's age.
 */
static int blame_kernel(int r, struct usn_err *e)
{
	if (kernel_tells_task() != -EINVAL)
		return r;
	return usn_fail(e, ENOSYS,
			"ambient mode needs bpf_get_current_task_btf for cgroups, which this "
			"kernel does not have (Linux 6.1 has)");
}

/* The kernel is asked by trying: programs of cgroups have task storage only in newer ones. */
static int load_best(struct ambient **ret, int cgroup_fd, struct usn_err *e)
{
	int r = load(ret, cgroup_fd, true, e);

	if (r < 0)
		r = load(ret, cgroup_fd, false, e);
	return r < 0 ? blame_kernel(r, e) : r;
}

static int try_with(struct loaded *ret, bool storage, struct usn_err *e)
{
	_cleanup_(ambient_freep) struct ambient *m = NULL;
	int r = ambient_new(&m, storage, e);

	if (r >= 0)
		r = verifier_load(m->skel->obj, compiler_of(m), e);
	if (r >= 0)
		loaded_add(ret, m->skel->obj, compiler_of(m));
	return r;
}

int ambient_try(struct loaded *ret, struct usn_err *e)
{
	int r = try_with(ret, true, e);

	if (r < 0)
		r = try_with(ret, false, e);
	return r < 0 ? blame_kernel(r, e) : r;
}

/* 0: it is gone, and the links with it. */
static uint64_t attached_cgroup(void)
{
	_cleanup_close_ int fd = bpf_obj_get(DIR_PATH "/links/usn_nd_sock_create");
	struct bpf_link_info info = { 0 };
	__u32 len = sizeof(info);

	return fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len) ? 0 : info.cgroup.cgroup_id;
}

int ambient_open(struct agent *a, struct usn_err *e)
{
	struct ambient *m;
	uint64_t id;
	int r;

	if (access(DIR_PATH, F_OK) < 0)
		return 0;
	id = attached_cgroup();
	if (!id) {
		log_line(LOG_WARNING, "ambient mode is off: its cgroup was removed");
		bundle_remove(DIR_PATH);
		return 0;
	}
	r = load_best(&m, -1, e);
	if (r < 0)
		return r;
	m->cgroup_id = id;
	a->ambient = m;
	return 0;
}

static int admit_all(struct agent *a, struct usn_err *e)
{
	struct device *d;
	size_t i = 0;
	int r = 0;

	while (r >= 0 && (d = agent_next_device(a, &i)))
		r = ambient_admit(d, e);
	return r;
}

static int check_place(struct agent *a, uint64_t id, struct usn_err *e)
{
	_cleanup_free_ char *path = NULL;

	if (!a->ambient || a->ambient->cgroup_id == id)
		return 0;
	path = ambient_path(a);
	return usn_fail(e, EBUSY, "ambient mode is on for %s: usn ambient off first",
			path ? path : "a cgroup that is gone");
}

int ambient_on(struct agent *a, const char *path, struct usn_err *e)
{
	_cleanup_close_ int fd = cgroup_open(a->cgroup_root_fd, a->cgroup_path, path, e);
	uint64_t id;
	int r;

	if (fd < 0)
		return fd;
	r = cgroup_id(fd, &id);
	if (r < 0)
		return usn_fail_errno(e, -r, "cannot read the cgroup's id");
	r = check_place(a, id, e);
	if (r < 0 || a->ambient)
		return r;
	r = load_best(&a->ambient, fd, e);
	if (r < 0)
		return r;
	a->ambient->cgroup_id = id;
	r = admit_all(a, e);
	if (r < 0)
		ambient_off(a);
	return r;
}

void ambient_off(struct agent *a)
{
	a->ambient = ambient_free(a->ambient);
	bundle_remove(DIR_PATH);
}

int ambient_admit(struct device *d, struct usn_err *e)
{
	struct agent *a = d->agent;
	struct usn_ambient key = { 0 };
	struct usn_binding b = { .ifindex = d->ifindex,
				 .number = d->number,
				 .netns_cookie = a->netns_cookie,
				 .flags = USN_BIND_GUARD | d->settings.except.flags,
				 .ruleset = d->ruleset };
	int r;

	if (!a->ambient || !d->settings.ambient || !d->ifindex)
		return 0;
	memcpy(key.device, d->name, sizeof(key.device));
	memcpy(b.device, d->name, sizeof(b.device));
	memcpy(b.dns, d->settings.dns.servers, sizeof(b.dns));
	b.flags |= d->settings.dns.n ? USN_BIND_DNS : 0;
	r = bpf_map_update_elem(bpf_map__fd(a->ambient->skel->maps.ambient_devices), &key, &b,
				BPF_ANY);
	return r < 0 ? usn_fail_errno(e, -r, "cannot let ND name %s", d->name) : 0;
}

void ambient_dismiss(struct device *d)
{
	struct ambient *m = d->agent->ambient;
	struct usn_ambient key = { 0 };

	memcpy(key.device, d->name, sizeof(key.device));
	if (m)
		bpf_map_delete_elem(bpf_map__fd(m->skel->maps.ambient_devices), &key);
}

char *ambient_path(const struct agent *a)
{
	_cleanup_close_ int fd = cgroup_open_id(a->cgroup_root_fd, a->ambient->cgroup_id);

	return fd < 0 ? NULL : cgroup_path(fd);
}

int ambient_counters(const struct agent *a, struct usn_ambient_counters *ret)
{
	int cpus = libbpf_num_possible_cpus(), cpu, r;
	_cleanup_free_ struct usn_ambient_counters *values = NULL;
	uint32_t zero = 0;

	if (cpus < 0)
		return cpus;
	values = calloc((size_t)cpus, sizeof(*values));
	if (!values)
		return -ENOMEM;
	r = bpf_map_lookup_elem(bpf_map__fd(a->ambient->skel->maps.ambient_counters), &zero,
				values);
	if (r < 0)
		return r;
	*ret = (struct usn_ambient_counters){ 0 };
	for (cpu = 0; cpu < cpus; cpu++) {
		ret->refused_unknown += values[cpu].refused_unknown;
		ret->refused_unreadable += values[cpu].refused_unreadable;
		ret->dropped_gone += values[cpu].dropped_gone;
	}
	return 0;
}
