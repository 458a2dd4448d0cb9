// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The parameters that several methods have. */
#include <errno.h>

#include "base/err.h"
#include "usnd/agent.h"
#include "usnd/device/device.h"
#include "usnd/service/parameters.h"
#include "usnd/service/permit.h"
#include "usnd/service/service.h"

static int get_name(const json_t *parameters, const char **ret, struct usn_err *e)
{
	*ret = json_string_value(json_object_get(parameters, "device"));
	return *ret ? 0 : usn_fail(e, EINVAL, "the parameter 'device' is missing");
}

int get_number(const json_t *parameters, uint32_t *ret, struct usn_err *e)
{
	const char *name;
	int r = get_name(parameters, &name, e);

	return r < 0 ? r : parse_device(name, ret, e);
}

int get_device_named(struct caller *c, const char *name, bool there, struct device **ret,
		     struct usn_err *e)
{
	uint32_t number;
	int r = parse_device(name, &number, e);

	if (r >= 0)
		r = permit_device(c, number, e);
	if (r < 0)
		return r;
	/* One that is gone can be looked at and given up. */
	if (!c->agent->devices[number] || (there && !c->agent->devices[number]->ifindex))
		return usn_fail(e, ENODEV, "the device usn%u is not up: usn up usn%u", number,
				number);
	*ret = c->agent->devices[number];
	return 0;
}

int get_device(struct caller *c, const json_t *parameters, bool there, struct device **ret,
	       struct usn_err *e)
{
	const char *name;
	int r = get_name(parameters, &name, e);

	return r < 0 ? r : get_device_named(c, name, there, ret, e);
}
