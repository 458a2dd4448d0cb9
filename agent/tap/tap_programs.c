// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Loading a tap's programs. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "tap/constants.h"
#include "tap/filter.h"
#include "tap/kernel.h"
#include "tap/tap.h"
#include "tap/tap_programs.h"
#include "tap/verifier.h"
#include "tap.skel.h"

#define PINNED_MAPS "/sys/fs/bpf/usn/maps/"

/*
 * Slots of the map "stages": the tap's programs and, behind them, what a filter needs for itself.
 */
enum { STAGE_IN, STAGE_OUT, STAGES };

/* The owners of the sockets are in the agent's maps; the rest is this tap's own. */
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

/* A power of two. */
static uint64_t round_up(uint64_t bytes)
{
	uint64_t size = 1;

	while (size < bytes)
		size *= 2;
	return size;
}

/* Each chunk has room for the longest record there can be, and there are at least two. */
static void set_ring(uint64_t c[], uint32_t bytes)
{
	uint64_t least = round_up(2 * sizeof(struct usn_slot) + sizeof(struct usn_record) +
				  ((c[TAP_SNAPLEN] + 7) & ~7ULL));
	uint64_t ring = round_up(bytes ? bytes : TAP_RING_DEFAULT), n = USN_RING_CHUNKS;

	while (n > 2 && ring / n < least)
		n /= 2;
	c[TAP_CHUNKS] = n;
	c[TAP_CHUNK_BYTES] = ring / n < least ? least : ring / n;
	c[TAP_RING_MASK] = c[TAP_CHUNKS] * c[TAP_CHUNK_BYTES] - 8;
}

static int set_constants(struct tap_programs *p, const struct usn_tap_options *o, uint64_t cgroup,
			 struct usn_err *e)
{
	uint64_t *c = p->constants;

	c[TAP_SNAPLEN] = o->snaplen ? o->snaplen : TAP_SNAPLEN_DEFAULT;
	set_ring(c, o->ring_bytes);
	c[TAP_WAKE_EACH] = o->flags & USN_TAP_IMMEDIATE ? 1 : 0;
	if (getrandom(&c[TAP_SECRET], sizeof(c[0]), 0) != sizeof(c[0]))
		return usn_fail_errno(e, errno, "cannot get random bytes");
	c[TAP_ONLY_PID] = o->pid;
	c[TAP_ONLY_COMM] = o->comm ? 1 : 0;
	if (o->comm)
		memcpy(p->skel->rodata->only_comm, o->comm, strlen(o->comm));
	c[TAP_ONLY_CGROUP] = cgroup;
	return 0;
}

static int refuse_kernel(struct usn_err *e)
{
	return usn_fail(e, ENOSYS,
			"taps need Linux 5.12: this kernel has no compare-and-exchange for BPF");
}

/* The maps whose addresses the programs have. */
static int make_memories(struct tap_programs *p, struct usn_err *e)
{
	LIBBPF_OPTS(bpf_map_create_opts, mapped, .map_flags = BPF_F_MMAPABLE);
	uint32_t data = (uint32_t)p->constants[TAP_RING_MASK] + 8;

	p->ring_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "ring", sizeof(uint32_t),
				    USN_RING_DATA + data + USN_RING_SLACK, 1, &mapped);
	/* Before 5.12 there are no arrays of more than 4 MiB, either. */
	if (p->ring_fd < 0 && kernel_exchanges() == -EINVAL)
		return refuse_kernel(e);
	if (p->ring_fd < 0)
		return usn_fail_errno(e, -p->ring_fd, "cannot make a ring of %u bytes", data);
	p->writers_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "writers", sizeof(uint32_t),
				       TAP_WRITERS_BYTES, 1, NULL);
	return p->writers_fd < 0
		       ? usn_fail_errno(e, -p->writers_fd, "cannot make the map of the writers")
		       : 0;
}

static int put_constants(const struct tap_programs *p, struct usn_err *e)
{
	struct bpf_program *progs[] = { p->skel->progs.usn_tap_in, p->skel->progs.usn_tap_out };
	const int memories[TAP_MEMORIES] = {
		[TAP_MEMORY_RING] = p->ring_fd, [TAP_MEMORY_WRITERS] = p->writers_fd
	};
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(progs) && r >= 0; i++) {
		r = constants_put(progs[i], TAP_CONSTANT_MARK, p->constants, TAP_CONSTANTS);
		if (r >= 0)
			r = constants_put_maps(progs[i], TAP_MEMORY_MARK, memories, TAP_MEMORIES);
	}
	return r < 0 ? usn_fail_errno(e, -r, "cannot prepare the tap's programs") : 0;
}

static int share_maps(struct tap_programs *p, struct usn_err *e)
{
	int r = share_map(p->skel->maps.owners, PINNED_MAPS "owners", e);

	return r < 0 ? r : share_map(p->skel->maps.newborns, PINNED_MAPS "newborns", e);
}

/* They come with maps.bpf.h; a tap has nothing to do with them. */
static void leave_maps(struct tap_programs *p)
{
	bpf_map__set_autocreate(p->skel->maps.bindings, false);
	bpf_map__set_autocreate(p->skel->maps.devices, false);
	bpf_map__set_autocreate(p->skel->maps.counters, false);
}

/* What matches goes on with the program in the slot. */
static int put_filter(struct tap_programs *p, const struct filter *f, uint32_t slot, int *prog_fd,
		      struct usn_err *e)
{
	const struct filter_stages stages = { bpf_map__fd(p->skel->maps.stages), slot,
					      STAGES + slot };
	int r = bpf_map_update_elem(stages.prog_array_fd, &slot, prog_fd, BPF_ANY);

	if (r < 0)
		return usn_fail_errno(e, -r, "cannot put a filter before the tap");
	r = filter_load(f, &stages, &p->filter_fds[slot], e);
	if (r >= 0)
		*prog_fd = p->filter_fds[slot];
	return r;
}

static int put_filters(struct tap_programs *p, const struct filter *f, struct usn_err *e)
{
	int r = 0;

	if (p->in_fd >= 0)
		r = put_filter(p, f, STAGE_IN, &p->in_fd, e);
	if (r >= 0 && p->out_fd >= 0)
		r = put_filter(p, f, STAGE_OUT, &p->out_fd, e);
	return r;
}

static const struct tap_programs nothing = { .ring_fd = -1,
					     .writers_fd = -1,
					     .losses_fd = -1,
					     .bell_fd = -1,
					     .stages_fd = -1,
					     .in_fd = -1,
					     .out_fd = -1,
					     .filter_fds = { -1, -1 } };

static void take_descriptors(struct tap_programs *p, uint32_t directions)
{
	p->bell_fd = bpf_map__fd(p->skel->maps.bell);
	p->losses_fd = bpf_map__fd(p->skel->maps.losses);
	p->stages_fd = bpf_map__fd(p->skel->maps.stages);
	if (directions & USN_TAP_IN)
		p->in_fd = bpf_program__fd(p->skel->progs.usn_tap_in);
	if (directions & USN_TAP_OUT)
		p->out_fd = bpf_program__fd(p->skel->progs.usn_tap_out);
}

static const char *compiler_of(const struct tap_programs *p)
{
	return (const char *)p->skel->rodata->compiler;
}

/*
 * What is chosen stands in the programs; they are not loaded yet.
 * alone: no maps are shared with an agent.
 */
static int prepare(struct tap_programs *p, const struct usn_tap_options *o, uint64_t cgroup,
		   bool alone, struct usn_err *e)
{
	int r;

	*p = nothing;
	libbpf_set_print(NULL);
	p->skel = tap_bpf__open();
	if (!p->skel)
		return usn_fail(e, ENOMEM, "out of memory");
	leave_maps(p);
	r = set_constants(p, o, cgroup, e);
	if (r >= 0 && !alone)
		r = share_maps(p, e);
	if (r >= 0)
		r = make_memories(p, e);
	return r < 0 ? r : put_constants(p, e);
}

static int load(struct tap_programs *p, uint32_t directions, const struct filter *f,
		struct usn_err *e)
{
	int r;

	directions = directions ? directions : USN_TAP_IN | USN_TAP_OUT;
	bpf_program__set_autoload(p->skel->progs.usn_tap_in, directions & USN_TAP_IN);
	bpf_program__set_autoload(p->skel->progs.usn_tap_out, directions & USN_TAP_OUT);
	r = verifier_load(p->skel->obj, compiler_of(p), e);
	if (r < 0 && kernel_exchanges() == -EINVAL)
		return refuse_kernel(e);
	if (r < 0)
		return r;
	take_descriptors(p, directions);
	return f ? put_filters(p, f, e) : 0;
}

int tap_programs_load(struct tap_programs *p, const struct usn_tap_options *o, uint64_t cgroup,
		      const struct filter *f, struct usn_err *e)
{
	int r = prepare(p, o, cgroup, false, e);

	return r < 0 ? r : load(p, o->directions, f, e);
}

int tap_programs_try(const struct usn_tap_options *o, uint64_t cgroup, const struct filter *f,
		     struct loaded *ret, struct usn_err *e)
{
	struct tap_programs p;
	int r = prepare(&p, o, cgroup, true, e);

	if (r >= 0)
		r = load(&p, o->directions, f, e);
	if (r >= 0)
		loaded_add(ret, p.skel->obj, compiler_of(&p));
	tap_programs_free(&p);
	return r;
}

void tap_programs_borrow(struct tap_programs *p, const struct tap_loan *l)
{
	*p = nothing;
	memcpy(p->constants, l->constants, sizeof(p->constants));
	p->ring_fd = l->ring_fd;
	p->bell_fd = l->bell_fd;
	p->stages_fd = l->stages_fd;
}

void tap_programs_free(struct tap_programs *p)
{
	tap_programs_detach(p, 0);
	free(p->places);
	free(p->slots);
	close_fd(p->filter_fds[0]);
	close_fd(p->filter_fds[1]);
	close_fd(p->ring_fd);
	close_fd(p->writers_fd);
	if (!p->skel) {
		close_fd(p->bell_fd);
		close_fd(p->stages_fd);
	}
	tap_bpf__destroy(p->skel);
}

int tap_programs_map_ring(const struct tap_programs *p, struct ring *r)
{
	const uint64_t *c = p->constants;

	return ring_map(r, p->ring_fd, c[TAP_CHUNK_BYTES], c[TAP_CHUNKS], c[TAP_SECRET]);
}
