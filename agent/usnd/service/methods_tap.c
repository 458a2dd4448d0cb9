// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The methods of io.usn for taps. A connection has one tap, and a call one descriptor. */
#include <errno.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "usnd/agent.h"
#include "usnd/device/device.h"
#include "usnd/run/runs.h"
#include "usnd/service/call.h"
#include "usnd/service/caller.h"
#include "usnd/service/methods.h"
#include "usnd/service/permit.h"
#include "usnd/service/tapping.h"

/* The kernel's memory is not charged to those who have it filled. */
#define TAPS_OF_ONE 8
#define RINGS_OF_ONE 16        /* more: the kernel frees a ring a while after its tap has ended */
#define RING_OF_ONE (64 << 20) /* bytes */

static int check_share(const struct call *call, struct usn_err *e)
{
	const struct caller *c = call->caller;

	if (!c->cred.uid)
		return 0;
	if (callers_taps_of(c->among, c->cred.uid) >= TAPS_OF_ONE)
		return usn_fail(e, EUSERS, "a user has at most %d taps", TAPS_OF_ONE);
	if (held_count(&c->agent->held, c->cred.uid) >= RINGS_OF_ONE)
		return usn_fail(e, EUSERS,
				"a user holds at most %d rings of taps, with those of taps "
				"that have ended",
				RINGS_OF_ONE);
	if (json_integer_value(json_object_get(call->parameters, "ring_bytes")) > RING_OF_ONE)
		return usn_fail(e, EINVAL, "the ring of a user's tap has at most %d MiB",
				RING_OF_ONE >> 20);
	return 0;
}

/* A ring that cannot be counted is not given away. */
static int count_ring(struct call *call, struct usn_err *e)
{
	struct caller *c = call->caller;
	int r = c->cred.uid ? held_add(&c->agent->held, c->cred.uid, call->fd) : 0;

	if (r >= 0)
		return 0;
	c->tap = tapping_free(c->tap);
	return usn_fail_errno(e, -r, "cannot count the ring of the tap");
}

/*
 * The run is looked for by its name among the agent's own: nothing is opened. *ret_cgroup 0: no run
 * is asked for.
 */
static int find_run(const struct call *call, uint64_t *ret_cgroup, struct usn_err *e)
{
	const json_t *value = json_object_get(call->parameters, "run");
	const struct caller *c = call->caller;
	const char *name = json_string_value(value);
	const struct run *run;
	struct usn_err no;

	*ret_cgroup = 0;
	if (!value)
		return 0;
	if (!name)
		return usn_fail(e, EINVAL, "the parameter 'run' is not a string");
	run = run_by_name(c->agent, name);
	/*
	 * One answer for a run that there is not and for one on a device that is not the caller's.
	 */
	if (!run || permit_device(c, run->number, &no) < 0)
		return usn_fail(e, ENOENT, "there is no run '%.100s': usn list shows the runs",
				name);
	*ret_cgroup = run->id;
	return 0;
}

/* The devices were asked for before: who may use none learns nothing else, and costs nothing. */
int method_tap(struct call *call, struct usn_err *e)
{
	struct caller *c = call->caller;
	json_t *constants = NULL;
	uint64_t cgroup = 0;
	int r = check_share(call, e);

	if (c->tap)
		r = usn_fail(e, EBUSY, "this connection has a tap already");
	if (r >= 0)
		r = find_run(call, &cgroup, e);
	if (r >= 0)
		r = tapping_open(call->parameters, cgroup, &c->tap, &call->fd, &constants, e);
	if (r >= 0)
		r = call_answer(call, json_pack("{s:o}", "constants", constants), e);
	return r < 0 ? r : count_ring(call, e);
}

static int check_tap(const struct caller *c, struct usn_err *e)
{
	return c->tap ? 0 : usn_fail(e, EINVAL, "this connection has no tap");
}

int method_tap_map(struct call *call, struct usn_err *e)
{
	const char *name = json_string_value(json_object_get(call->parameters, "map"));
	int r = check_tap(call->caller, e);

	if (r >= 0)
		r = name ? tapping_map(call->caller->tap, name, e)
			 : usn_fail(e, EINVAL, "the parameter 'map' is missing");
	if (r >= 0)
		call->fd = r;
	return r;
}

/* The first link there is goes with this answer, the other one with that of TapLink. */
int method_tap_add(struct call *call, struct usn_err *e)
{
	const struct device *d = call->device;
	struct caller *c = call->caller;
	int in_fd = -1, out_fd = -1, r = check_tap(c, e);

	if (r >= 0)
		r = tapping_add(c->tap, d->ifindex, d->name, &in_fd, &out_fd, e);
	if (r < 0)
		return r;
	close_fd(c->link_fd);
	c->link_fd = out_fd >= 0 ? in_fd : -1;
	call->fd = out_fd >= 0 ? out_fd : in_fd;
	return call_answer(call,
			   json_pack("{s:b, s:b, s:b}", "in", in_fd >= 0, "out", out_fd >= 0,
				     "descriptor", call->fd >= 0),
			   e);
}

int method_tap_link(struct call *call, struct usn_err *e)
{
	if (call->caller->link_fd < 0)
		return usn_fail(e, EINVAL, "there is no other link");
	call->fd = TAKE_FD(call->caller->link_fd);
	return 0;
}
