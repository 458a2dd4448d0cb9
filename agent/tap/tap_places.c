// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Where a tap's programs hang. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "tap/tap_programs.h"

/* enum bpf_attach_type of 6.6, which older headers lack. */
#define ATTACH_TCX_INGRESS 46
#define ATTACH_TCX_EGRESS 47

static int attach_tcx(int prog_fd, uint32_t ifindex, int type, int *ret)
{
	int fd;

	if (prog_fd < 0)
		return 0;
	fd = bpf_link_create(prog_fd, (int)ifindex, (enum bpf_attach_type)type, NULL);
	if (fd < 0)
		return fd;
	*ret = fd;
	return 0;
}

/* Links die with their descriptors. Before 6.6 the kernel does not know their types: EINVAL. */
static int attach(struct tap_programs *p, struct tap_place *at, const char *device,
		  struct usn_err *e)
{
	int r = attach_tcx(p->out_fd, at->ifindex, ATTACH_TCX_EGRESS, &at->out_fd);

	if (r >= 0)
		r = attach_tcx(p->in_fd, at->ifindex, ATTACH_TCX_INGRESS, &at->in_fd);
	if (r == -EINVAL)
		return clsact_attach(&at->clsact, at->ifindex, p->in_fd, p->out_fd, e);
	if (r == -ENODEV)
		return usn_fail(e, ENODEV, "%s is gone: see usn list", device);
	if (r == -ERANGE)
		return usn_fail(e, EUSERS, "%s has as many taps as the kernel takes", device);
	return r < 0 ? usn_fail_errno(e, -r, "cannot attach to %s", device) : 0;
}

static void leave(struct tap_place *at)
{
	at->in_fd = close_fd(at->in_fd);
	at->out_fd = close_fd(at->out_fd);
	clsact_detach(&at->clsact);
}

int tap_programs_slot(const struct tap_programs *p, uint32_t ifindex)
{
	size_t i;

	for (i = 0; i < p->n_slots; i++) {
		if (p->slots[i] == ifindex)
			return (int)i;
	}
	return -1;
}

/*
 * An interface that comes back has another number; one that was removed and added goes on counting.
 */
static int make_slot(struct tap_programs *p, uint32_t ifindex)
{
	uint32_t *slots, n = (uint32_t)p->n_slots;

	if (tap_programs_slot(p, ifindex) >= 0)
		return 0;
	if (n == USN_DEVICES_MAX)
		return -ENOSPC;
	slots = reallocarray(p->slots, n + 1, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	p->slots = slots;
	p->slots[p->n_slots++] = ifindex;
	return p->losses_fd < 0 ? 0 : bpf_map_update_elem(p->losses_fd, &ifindex, &n, BPF_ANY);
}

static int add_place(struct tap_programs *p, const struct tap_place *at)
{
	struct tap_place *places = reallocarray(p->places, p->n_places + 1, sizeof(*places));

	if (!places)
		return -ENOMEM;
	p->places = places;
	p->places[p->n_places++] = *at;
	return 0;
}

bool tap_programs_hang_on(const struct tap_programs *p, uint32_t ifindex)
{
	size_t i;

	for (i = 0; i < p->n_places; i++) {
		if (p->places[i].ifindex == ifindex)
			return true;
	}
	return false;
}

int tap_programs_attach(struct tap_programs *p, uint32_t ifindex, const char *device,
			struct usn_err *e)
{
	struct tap_place at = { .ifindex = ifindex, .in_fd = -1, .out_fd = -1 };
	int r;

	at.clsact.lock_fd = -1;
	r = make_slot(p, ifindex);
	if (r < 0)
		return usn_fail_errno(e, -r, "cannot count what %s loses", device);
	r = attach(p, &at, device, e);
	if (r >= 0 && add_place(p, &at) < 0)
		r = usn_fail(e, ENOMEM, "out of memory");
	if (r < 0)
		leave(&at);
	return r;
}

int tap_programs_place(struct tap_programs *p, uint32_t ifindex, int in_fd, int out_fd)
{
	struct tap_place at = { .ifindex = ifindex, .in_fd = in_fd, .out_fd = out_fd };
	int r = make_slot(p, ifindex);

	at.clsact.lock_fd = -1;
	if (r >= 0)
		r = add_place(p, &at);
	if (r < 0)
		leave(&at);
	return r;
}

void tap_programs_give(struct tap_programs *p, int *ret_in_fd, int *ret_out_fd)
{
	struct tap_place *at = &p->places[p->n_places - 1];

	*ret_in_fd = TAKE_FD(at->in_fd);
	*ret_out_fd = TAKE_FD(at->out_fd);
	/* What has no links stays here, and with it what will take it away. */
	if (*ret_in_fd >= 0 || *ret_out_fd >= 0)
		p->n_places--;
}

void tap_programs_detach(struct tap_programs *p, uint32_t ifindex)
{
	size_t i;

	for (i = p->n_places; i-- > 0;) {
		if (ifindex && p->places[i].ifindex != ifindex)
			continue;
		leave(&p->places[i]);
		p->places[i] = p->places[--p->n_places];
	}
}
