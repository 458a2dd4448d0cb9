// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Adopting what an earlier agent left. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "usnd/adopt.h"
#include "usnd/agent.h"
#include "usnd/behind/queue.h"
#include "usnd/device/device.h"
#include "usnd/os/cgroup.h"
#include "usnd/os/netlink.h"
#include "usnd/os/store.h"
#include "usnd/pins/pins.h"
#include "usnd/presence.h"
#include "usnd/run/ambient.h"
#include "usnd/run/bound.h"
#include "usnd/run/ruleset.h"
#include "usnd/run/run.h"

/* Runs. */

/* A cgroup that an earlier agent made: a run if it has a binding, else it was never entered. */
static void adopt_run(struct agent *a, const char *name)
{
	struct usn_binding b;
	struct run *r = run_new(a, name, run_reap);

	if (!r || run_open(r) < 0 || binding_get(a->pins, r->id, &b) < 0) {
		run_free(r);
		if (cgroup_remove(a->cgroup_fd, name) < 0)
			log_line(LOG_WARNING, "the cgroup %s/%s/%s is not a run: left alone",
				 a->cgroup_path, USN_CGROUP, name);
		return;
	}
	r->number = b.number;
	r->ruleset = b.ruleset;
	run_reap(r);
}

static int adopt_runs(struct agent *a, struct usn_err *e)
{
	int fd = openat(a->cgroup_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *d;

	if (!dir) {
		close_fd(fd);
		return usn_fail_errno(e, errno, "cannot read %s/%s", a->cgroup_path, USN_CGROUP);
	}
	while ((d = readdir(dir))) {
		if (d->d_type == DT_DIR && d->d_name[0] != '.')
			adopt_run(a, d->d_name);
	}
	closedir(dir);
	return 0;
}

/* -errno: the cgroup is gone. */
static int adopt_bound(struct agent *a, uint64_t id)
{
	int fd = cgroup_open_id(a->cgroup_root_fd, id), error;
	_cleanup_free_ char *name = fd < 0 ? NULL : cgroup_path(fd);
	struct usn_binding b;
	struct run *r = name ? run_new(a, name, bound_reap) : NULL;

	if (!r) {
		close_fd(fd);
		pins_detach(id);
		return -ENOENT;
	}
	r->dir_fd = fd;
	r->in_place = true;
	error = binding_get(a->pins, id, &b);
	if (error >= 0)
		error = run_attend(r);
	if (error >= 0)
		error = pins_refresh(a->pins, id);
	if (error < 0 || cgroup_removed(fd)) {
		log_line(LOG_WARNING, "the cgroup %s cannot stay bound", name);
		run_free(r);
		pins_detach(id);
		return -ENOENT;
	}
	r->number = b.number;
	r->ruleset = b.ruleset;
	return 0;
}

/*
 * Bindings of other cgroups than runs: bound in place, or gone while there was no agent. Ids are
 * never used again.
 */
static void adopt_bindings(struct agent *a)
{
	uint64_t id = 0, next;

	while (!binding_next(a->pins, id, &next)) {
		if (run_by_id(a, next) || adopt_bound(a, next) >= 0) {
			id = next;
			continue;
		}
		binding_remove(a->pins, next);
		id = 0; /* its successor is unknown now: from the start */
	}
}

/* Devices. */

/* What the kernel does not know of a device. */
static int read_entry(struct device *d, const struct usn_device *entry, struct usn_err *e)
{
	settings_restore(entry, &d->settings);
	d->ruleset = entry->ruleset;
	return ruleset_read(d->agent, d->ruleset, &d->settings.except, e);
}

/* What it does know. */
static int read_back(struct device *d, const struct usn_device *entry)
{
	struct link_state st;
	int r = entry->ifindex ? netlink_link(d->agent->nl, entry->ifindex, &st) : -ENODEV;

	if (r < 0 || strcmp(st.name, d->name) || strcmp(st.kind, "tun"))
		return r < 0 ? r : -ENODEV;
	d->ifindex = entry->ifindex;
	d->link = st.up ? LINK_UP : LINK_DOWN;
	d->settings.mtu = st.mtu;
	return netlink_addresses(d->agent->nl, entry->ifindex, d->settings.addresses, ADDRESSES_MAX,
				 &d->settings.n_addresses);
}

/* The interface went while there was no agent. If it has runs, one of its name may be back. */
static int adopt_gone(struct device *d)
{
	struct agent *a = d->agent;
	uint32_t number = d->number;
	struct usn_err e;

	device_add(d);
	/* Without runs it is forgotten, and freed. */
	device_gone(d);
	d = a->devices[number];
	if (d)
		device_return(d, &e);
	return 0;
}

/* -ENODEV: the interface went meanwhile. */
static int adopt_device(struct agent *a, uint32_t number, const struct usn_device *entry,
			struct usn_err *e)
{
	_cleanup_(device_freep) struct device *d = device_new(a, number);
	int r;

	if (!d)
		return usn_fail(e, ENOMEM, "out of memory");
	if (entry->netns_cookie != a->netns_cookie)
		return usn_fail(
			e, EXDEV,
			"%s belongs to an agent in another network namespace: start usnd there",
			d->name);
	r = read_entry(d, entry, e);
	if (r < 0)
		return r;
	r = read_back(d, entry);
	if (r == -ENODEV)
		return adopt_gone(TAKE_PTR(d));
	if (r < 0)
		return usn_fail_errno(e, -r, "cannot read the settings of %s", d->name);
	r = queue_get(&d->behind, e);
	if (r >= 0)
		r = ambient_admit(d, e);
	if (r >= 0)
		r = device_serve(d, e);
	if (r < 0)
		return r;
	runs_follow(a, number, d->ifindex);
	/* An earlier version of the agent may have made it. */
	if (device_shield(a, d->name, d->ifindex, e) < 0)
		log_line(LOG_ERR, "%s", e->text);
	TAKE_PTR(d);
	return 0;
}

static int adopt_devices(struct agent *a, struct usn_err *e)
{
	struct usn_device entry;
	uint32_t i;
	int r;

	for (i = 0; i < USN_DEVICES_MAX; i++) {
		if (device_entry_get(a->pins, i, &entry) < 0)
			continue;
		r = adopt_device(a, i, &entry, e);
		if (r < 0 && r != -ENODEV)
			return r;
	}
	return 0;
}

int adopt(struct agent *a, struct usn_err *e)
{
	/* The runs first: a device that is gone stays on the list only if it has any. */
	int r = adopt_runs(a, e);

	if (r < 0)
		return r;
	adopt_bindings(a);
	r = ambient_open(a, e);
	if (r >= 0)
		r = adopt_devices(a, e);
	if (r < 0)
		return r;
	/* What nothing that was found lays claim to. */
	store_close();
	rulesets_sweep(a);
	return ruleset_follow_addresses(a, e);
}
