// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Taps on clsact, by libbpf's bpf_tc_*(). */
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "tap/clsact.h"

#define LOCKS "/run/usn/taps" /* a byte for each slot of each interface */

/*
 * Filters run in the order of their priorities, and ours,
 * which change nothing, before the usual ones.
 */
#define PRIORITY 100

static int lock(int fd, uint32_t ifindex, uint32_t slot, short type)
{
	struct flock l = { .l_type = type,
			   .l_whence = SEEK_SET,
			   .l_start = (off_t)ifindex * CLSACT_SLOTS + slot,
			   .l_len = 1 };

	return fcntl(fd, F_OFD_SETLK, &l) < 0 ? -errno : 0;
}

/* prog_fd -1: that direction is not wanted. */
static int attach(uint32_t ifindex, uint32_t slot, enum bpf_tc_attach_point point, int prog_fd)
{
	DECLARE_LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = point);
	DECLARE_LIBBPF_OPTS(bpf_tc_opts, opts, .handle = 1, .priority = PRIORITY + slot,
			    .prog_fd = prog_fd);
	int r;

	if (prog_fd < 0)
		return 0;
	r = bpf_tc_hook_create(&hook);
	if (r < 0 && r != -EEXIST)
		return r;
	return bpf_tc_attach(&hook, &opts);
}

static void detach(uint32_t ifindex, uint32_t slot, enum bpf_tc_attach_point point)
{
	DECLARE_LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = point);
	DECLARE_LIBBPF_OPTS(bpf_tc_opts, opts, .handle = 1, .priority = PRIORITY + slot);

	bpf_tc_detach(&hook, &opts);
}

static void sweep(uint32_t ifindex, uint32_t slot)
{
	detach(ifindex, slot, BPF_TC_INGRESS);
	detach(ifindex, slot, BPF_TC_EGRESS);
}

/* Takes the first slot that is free, and sweeps all that are. */
static int take_slot(int fd, uint32_t ifindex, uint32_t *ret_slot)
{
	bool found = false;
	uint32_t i;

	for (i = 0; i < CLSACT_SLOTS; i++) {
		if (lock(fd, ifindex, i, F_WRLCK) < 0)
			continue;
		sweep(ifindex, i);
		if (found)
			lock(fd, ifindex, i, F_UNLCK);
		else
			*ret_slot = i;
		found = true;
	}
	return found ? 0 : -EUSERS;
}

int clsact_attach(struct clsact *c, uint32_t ifindex, int in_prog_fd, int out_prog_fd,
		  struct usn_err *e)
{
	_cleanup_close_ int fd = open(LOCKS, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	uint32_t slot = 0;
	int r;

	if (fd < 0)
		return usn_fail_errno(e, errno, "cannot open %s", LOCKS);
	r = take_slot(fd, ifindex, &slot);
	if (r < 0)
		return usn_fail(e, EUSERS, "the device has %d taps already, the most there can be",
				CLSACT_SLOTS);
	r = attach(ifindex, slot, BPF_TC_EGRESS, out_prog_fd);
	if (r >= 0)
		r = attach(ifindex, slot, BPF_TC_INGRESS, in_prog_fd);
	if (r < 0) {
		sweep(ifindex, slot);
		return usn_fail_errno(e, -r, "cannot attach to the device by tcx or clsact");
	}
	*c = (struct clsact){ .ifindex = ifindex, .slot = slot, .lock_fd = TAKE_FD(fd) };
	return 0;
}

void clsact_detach(struct clsact *c)
{
	if (c->lock_fd < 0)
		return;
	sweep(c->ifindex, c->slot);
	c->lock_fd = close_fd(c->lock_fd);
}
