// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The methods of io.usn for taps. A connection has one tap, and a call one descriptor. */
#include <errno.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "usnd/agent.h"
#include "usnd/device/device.h"
#include "usnd/run/runs.h"
#include "usnd/service/methods.h"
#include "usnd/service/parameters.h"
#include "usnd/service/permit.h"
#include "usnd/service/service.h"
#include "usnd/service/tapping.h"

/* The kernel's memory is not charged to those who have it filled. */
#define TAPS_OF_ONE 8
#define RINGS_OF_ONE 16        /* more: the kernel frees a ring a while after its tap has ended */
#define RING_OF_ONE (64 << 20) /* bytes */
#define DEVICES_OF_ONE 64      /* each costs a look into its file */

static int check_share(struct caller *c, const json_t *parameters, struct usn_err *e)
{
	if (!c->cred.uid)
		return 0;
	if (service_taps_of(c->agent->service, c->cred.uid) >= TAPS_OF_ONE)
		return usn_fail(e, EUSERS, "a user has at most %d taps", TAPS_OF_ONE);
	if (held_count(&c->agent->held, c->cred.uid) >= RINGS_OF_ONE)
		return usn_fail(e, EUSERS,
				"a user holds at most %d rings of taps, with those of taps "
				"that have ended",
				RINGS_OF_ONE);
	if (json_integer_value(json_object_get(parameters, "ring_bytes")) > RING_OF_ONE)
		return usn_fail(e, EINVAL, "the ring of a user's tap has at most %d MiB",
				RING_OF_ONE >> 20);
	return 0;
}

/* A ring that cannot be counted is not given away. */
static int count_ring(struct caller *c, int *ring_fd, struct usn_err *e)
{
	int r = c->cred.uid ? held_add(&c->agent->held, c->cred.uid, *ring_fd) : 0;

	if (r >= 0)
		return 0;
	*ring_fd = close_fd(*ring_fd);
	c->tap = tapping_free(c->tap);
	return usn_fail_errno(e, -r, "cannot count the ring of the tap");
}

/* A tap for no device would be memory for nobody. Each device is asked for again when the tap is put on it. */
static int check_devices(struct caller *c, const json_t *parameters, struct usn_err *e)
{
	const json_t *list = json_object_get(parameters, "devices");
	size_t n = json_array_size(list), i;
	struct device *d;
	int r = 0;

	if (list && !json_is_array(list))
		return usn_fail(e, EINVAL, "the parameter 'devices' is not a list of strings");
	if (!n && c->cred.uid)
		return usn_fail(e, EINVAL, "the parameter 'devices' is missing");
	if (n > DEVICES_OF_ONE && c->cred.uid)
		return usn_fail(e, EINVAL, "a user's tap is for at most %d devices",
				DEVICES_OF_ONE);
	for (i = 0; r >= 0 && i < n; i++) {
		const char *name = json_string_value(json_array_get(list, i));

		r = name ? get_device_named(c, name, true, &d, e)
			 : usn_fail(e, EINVAL, "the parameter 'devices' is not a list of strings");
	}
	return r;
}

/* The run is looked for by its name among the agent's own: nothing is opened. *ret_cgroup 0: no run is asked for. */
static int find_run(const struct caller *c, const json_t *parameters, uint64_t *ret_cgroup,
		    struct usn_err *e)
{
	const json_t *value = json_object_get(parameters, "run");
	const char *name = json_string_value(value);
	const struct run *run;
	struct usn_err no;

	*ret_cgroup = 0;
	if (!value)
		return 0;
	if (!name)
		return usn_fail(e, EINVAL, "the parameter 'run' is not a string");
	run = run_by_name(c->agent, name);
	/* One answer for a run that there is not and for one on a device that is not the caller's. */
	if (!run || permit_device(c, run->number, &no) < 0)
		return usn_fail(e, ENOENT, "there is no run '%.100s': usn list shows the runs",
				name);
	*ret_cgroup = run->id;
	return 0;
}

/* The permission first: who may use no device learns nothing else, and costs nothing. */
int method_tap(struct caller *c, const json_t *parameters, json_t **ret, int *ret_fd,
	       struct usn_err *e)
{
	json_t *constants = NULL;
	uint64_t cgroup = 0;
	int r = check_devices(c, parameters, e);

	if (r >= 0 && c->tap)
		r = usn_fail(e, EBUSY, "this connection has a tap already");
	if (r >= 0)
		r = check_share(c, parameters, e);
	if (r >= 0)
		r = find_run(c, parameters, &cgroup, e);
	if (r >= 0)
		r = tapping_open(parameters, cgroup, &c->tap, ret_fd, &constants, e);
	if (r >= 0)
		r = count_ring(c, ret_fd, e);
	if (r < 0)
		json_decref(constants);
	else
		*ret = json_pack("{s:o}", "constants", constants);
	return r;
}

static int check_tap(const struct caller *c, struct usn_err *e)
{
	return c->tap ? 0 : usn_fail(e, EINVAL, "this connection has no tap");
}

int method_tap_map(struct caller *c, const json_t *parameters, json_t **ret, int *ret_fd,
		   struct usn_err *e)
{
	const char *name = json_string_value(json_object_get(parameters, "map"));
	int r = check_tap(c, e);

	if (r >= 0)
		r = name ? tapping_map(c->tap, name, e)
			 : usn_fail(e, EINVAL, "the parameter 'map' is missing");
	if (r < 0)
		return r;
	*ret_fd = r;
	*ret = json_object();
	return 0;
}

/* The first link there is goes with this answer, the other one with that of TapLink. */
int method_tap_add(struct caller *c, const json_t *parameters, json_t **ret, int *ret_fd,
		   struct usn_err *e)
{
	int in_fd = -1, out_fd = -1, r = check_tap(c, e);
	struct device *d = NULL;

	if (r >= 0)
		r = get_device(c, parameters, true, &d, e);
	if (r >= 0)
		r = tapping_add(c->tap, d->ifindex, d->name, &in_fd, &out_fd, e);
	if (r < 0)
		return r;
	close_fd(c->link_fd);
	c->link_fd = out_fd >= 0 ? in_fd : -1;
	*ret_fd = out_fd >= 0 ? out_fd : in_fd;
	*ret = json_pack("{s:b, s:b, s:b}", "in", in_fd >= 0, "out", out_fd >= 0, "descriptor",
			 *ret_fd >= 0);
	return 0;
}

int method_tap_link(struct caller *c, const json_t *parameters, json_t **ret, int *ret_fd,
		    struct usn_err *e)
{
	(void)parameters;
	if (c->link_fd < 0)
		return usn_fail(e, EINVAL, "there is no other link");
	*ret_fd = TAKE_FD(c->link_fd);
	*ret = json_object();
	return 0;
}
