// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What a call names, and whether its caller may use that. */
#include <errno.h>
#include <stdbool.h>

#include "base/err.h"
#include "base/parse.h"
#include "usnd/agent.h"
#include "usnd/device/device.h"
#include "usnd/presence.h"
#include "usnd/run/runs.h"
#include "usnd/service/call.h"
#include "usnd/service/caller.h"
#include "usnd/service/permit.h"

#define DEVICES_OF_ONE 64 /* in a call of a user: each costs a look into its file */

static int get_name(const struct call *call, const char **ret, struct usn_err *e)
{
	*ret = json_string_value(json_object_get(call->parameters, "device"));
	return *ret ? 0 : usn_fail(e, EINVAL, "the parameter 'device' is missing");
}

int call_number(const struct call *call, uint32_t *ret, struct usn_err *e)
{
	const char *name;
	int r = get_name(call, &name, e);

	return r < 0 ? r : parse_device(name, ret, e);
}

/* here: its interface has to be there, too. */
static int find_device(const struct call *call, const char *name, bool here, struct device **ret,
		       struct usn_err *e)
{
	struct agent *a = call->caller->agent;
	uint32_t number;
	int r = parse_device(name, &number, e);

	if (r >= 0)
		r = permit_device(call->caller, number, e);
	if (r < 0)
		return r;
	if (!a->devices[number] || (here && !a->devices[number]->ifindex))
		return usn_fail(e, ENODEV, "the device usn%u is not up: usn up usn%u", number,
				number);
	*ret = a->devices[number];
	return 0;
}

static int find_one(struct call *call, bool here, struct usn_err *e)
{
	const char *name;
	int r = get_name(call, &name, e);

	return r < 0 ? r : find_device(call, name, here, &call->device, e);
}

static int find_each(const struct call *call, struct usn_err *e)
{
	const json_t *list = json_object_get(call->parameters, "devices");
	size_t n = json_array_size(list), i;
	uid_t uid = call->caller->cred.uid;
	struct device *d;
	int r = 0;

	if (list && !json_is_array(list))
		return usn_fail(e, EINVAL, "the parameter 'devices' is not a list of strings");
	if (!n && uid)
		return usn_fail(e, EINVAL, "the parameter 'devices' is missing");
	if (n > DEVICES_OF_ONE && uid)
		return usn_fail(e, EINVAL, "a user's tap is for at most %d devices",
				DEVICES_OF_ONE);
	for (i = 0; r >= 0 && i < n; i++) {
		const char *name = json_string_value(json_array_get(list, i));

		r = name ? find_device(call, name, true, &d, e)
			 : usn_fail(e, EINVAL, "the parameter 'devices' is not a list of strings");
	}
	return r;
}

/* What has ended is in nobody's way, even if the kernel's word of it is still to be read. */
static void sweep(struct agent *a)
{
	runs_sweep(a);
	devices_settle(a);
}

static int find_devices(struct call *call, enum call_devices how, struct usn_err *e)
{
	switch (how) {
	case CALL_DEVICE_HERE:
		return find_one(call, true, e);
	case CALL_DEVICE:
		sweep(call->caller->agent);
		return find_one(call, false, e);
	case CALL_DEVICE_OR_ALL:
		sweep(call->caller->agent);
		return json_object_get(call->parameters, "device") ? find_one(call, false, e) : 0;
	case CALL_DEVICES_HERE:
		return find_each(call, e);
	case CALL_NO_DEVICE:
		break;
	}
	return 0;
}

/* A row that is for whom a file names, and makes no call name a device, is for root. */
static bool is_roots(const struct method *m)
{
	return m->who == CALL_ROOT || (m->who == CALL_NAMED && (m->devices == CALL_NO_DEVICE ||
								m->devices == CALL_DEVICE_OR_ALL));
}

int call_permit(struct call *call, const struct method *m, struct usn_err *e)
{
	if (call->caller->cred.uid && is_roots(m))
		return usn_fail(e, EPERM, "only root may do that: run this as root");
	return find_devices(call, m->devices, e);
}

int call_answer(struct call *call, json_t *answer, struct usn_err *e)
{
	call->answer = answer;
	return answer ? 0 : usn_fail(e, ENOMEM, "out of memory");
}
