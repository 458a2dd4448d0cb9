// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Taps: load, attach, read. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "lib/clsact.h"
#include "lib/tap.h"
#include "tap.skel.h"

#define PINNED_MAPS "/sys/fs/bpf/usn/maps/"

/* enum bpf_attach_type of 6.6, which older headers lack. */
#define ATTACH_TCX_INGRESS 46
#define ATTACH_TCX_EGRESS 47

struct tap {
	struct tap_bpf *skel;
	struct ring_buffer *ring;
	int in_fd, out_fd; /* tcx links, or ... */
	struct clsact clsact;
	int (*f)(void *arg, const struct usn_record *rec);
	void *arg;
};

static int silent(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	(void)level;
	(void)fmt;
	(void)ap;
	return 0;
}

/* The owners of the sockets are in the agent's maps; the ring and the constants are this tap's own. */
static int share_map(struct bpf_map *map, const char *path, struct usn_err *e)
{
	_cleanup_close_ int fd = bpf_obj_get(path);

	if (fd == -ENOENT)
		return usn_fail(e, ENOENT,
				"no agent was started here, so there is no device: usn up usn0");
	if (fd == -EPERM || fd == -EACCES)
		return usn_fail(e, EPERM, "only root can open a tap: run this as root");
	if (fd < 0 || bpf_map__reuse_fd(map, fd) < 0)
		return usn_fail_errno(e, fd < 0 ? -fd : EINVAL, "cannot use the map %s", path);
	return 0;
}

static int load(struct tap *t, const struct tap_options *o, struct usn_err *e)
{
	int r;

	t->skel->rodata->snaplen = o->snaplen;
	t->skel->rodata->wake_bytes = o->ring_bytes / 8;
	r = share_map(t->skel->maps.owners, PINNED_MAPS "owners", e);
	if (r >= 0)
		r = share_map(t->skel->maps.newborns, PINNED_MAPS "newborns", e);
	if (r < 0)
		return r;
	bpf_map__set_max_entries(t->skel->maps.ring, o->ring_bytes);
	/* They come with maps.bpf.h; a tap has nothing to do with them. */
	bpf_map__set_autocreate(t->skel->maps.bindings, false);
	bpf_map__set_autocreate(t->skel->maps.devices, false);
	bpf_map__set_autocreate(t->skel->maps.counters, false);
	r = tap_bpf__load(t->skel);
	return r < 0 ? usn_fail_errno(e, -r, "the kernel does not accept the tap's programs") : 0;
}

static int attach_tcx(const struct bpf_program *prog, uint32_t ifindex, int type, int *ret)
{
	int fd = bpf_link_create(bpf_program__fd(prog), (int)ifindex, (enum bpf_attach_type)type,
				 NULL);

	if (fd < 0)
		return fd;
	*ret = fd;
	return 0;
}

/* Links die with their descriptors. Before 6.6 the kernel does not know their types: EINVAL. */
static int attach(struct tap *t, uint32_t ifindex, struct usn_err *e)
{
	const struct bpf_program *in = t->skel->progs.usn_tap_in, *out = t->skel->progs.usn_tap_out;
	int r = attach_tcx(out, ifindex, ATTACH_TCX_EGRESS, &t->out_fd);

	if (r == -EINVAL)
		return clsact_attach(&t->clsact, ifindex, bpf_program__fd(in), bpf_program__fd(out),
				     e);
	if (r >= 0)
		r = attach_tcx(in, ifindex, ATTACH_TCX_INGRESS, &t->in_fd);
	if (r == -ENODEV)
		return usn_fail(e, ENODEV, "the device is gone: see usn list");
	return r < 0 ? usn_fail_errno(e, -r, "cannot attach to the device") : 0;
}

static int on_record(void *ctx, void *data, size_t size)
{
	struct tap *t = ctx;
	const struct usn_record *rec = data;

	(void)size;
	return t->f(t->arg, rec);
}

int tap_open(uint32_t ifindex, const struct tap_options *o, struct tap **ret, struct usn_err *e)
{
	_cleanup_(tap_freep) struct tap *t = calloc(1, sizeof(*t));
	int r;

	if (!t)
		return usn_fail(e, ENOMEM, "out of memory");
	t->in_fd = t->out_fd = t->clsact.lock_fd = -1;
	libbpf_set_print(silent);
	t->skel = tap_bpf__open();
	if (!t->skel)
		return usn_fail(e, ENOMEM, "out of memory");
	r = load(t, o, e);
	if (r < 0)
		return r;
	t->ring = ring_buffer__new(bpf_map__fd(t->skel->maps.ring), on_record, t, NULL);
	if (!t->ring)
		return usn_fail_errno(e, errno, "cannot map the ring buffer");
	r = attach(t, ifindex, e);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(t);
	return 0;
}

struct tap *tap_free(struct tap *t)
{
	if (!t)
		return NULL;
	tap_stop(t);
	ring_buffer__free(t->ring);
	tap_bpf__destroy(t->skel);
	free(t);
	return NULL;
}

int tap_fd(const struct tap *t)
{
	return ring_buffer__epoll_fd(t->ring);
}

int tap_read(struct tap *t, int (*f)(void *arg, const struct usn_record *rec), void *arg)
{
	t->f = f;
	t->arg = arg;
	return ring_buffer__consume(t->ring);
}

void tap_stop(struct tap *t)
{
	t->in_fd = close_fd(t->in_fd);
	t->out_fd = close_fd(t->out_fd);
	clsact_detach(&t->clsact);
}

uint64_t tap_lost(const struct tap *t)
{
	return __atomic_load_n(&t->skel->bss->lost, __ATOMIC_RELAXED);
}
