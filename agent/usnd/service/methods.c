// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The methods of io.usn, and who may call them. */
#include <errno.h>

#include "base/err.h"
#include "usnd/agent.h"
#include "usnd/service/call.h"
#include "usnd/service/caller.h"
#include "usnd/service/methods.h"
#include "usnd/service/service.h"

static int method_yield(struct call *call, struct usn_err *e)
{
	if (service_yield(call->caller->agent->service))
		return 0;
	return usn_fail(e, EBUSY, "this agent was not started on demand: it stays");
}

const struct method methods[] = {
	/* clang-format off */
	{ "Up", method_up, CALL_ROOT, CALL_NO_DEVICE }, /* it need not be there */
	{ "Down", method_down, CALL_ROOT, CALL_DEVICE },
	{ "List", method_list, CALL_ALL, CALL_DEVICE_OR_ALL },
	{ "Run", method_run, CALL_NAMED, CALL_DEVICE_HERE },
	{ "Rig", method_rig, CALL_NAMED, CALL_DEVICE_HERE },
	{ "Tap", method_tap, CALL_NAMED, CALL_DEVICES_HERE },
	{ "TapMap", method_tap_map, CALL_ALL, CALL_NO_DEVICE },
	{ "TapAdd", method_tap_add, CALL_NAMED, CALL_DEVICE_HERE },
	{ "TapLink", method_tap_link, CALL_ALL, CALL_NO_DEVICE },
	{ "Ambient", method_ambient, CALL_ROOT, CALL_NO_DEVICE },
	{ "Bind", method_bind, CALL_ROOT, CALL_DEVICE_HERE },
	{ "Unbind", method_unbind, CALL_ROOT, CALL_NO_DEVICE },
	{ "Yield", method_yield, CALL_ROOT, CALL_NO_DEVICE },
	{ 0 }
	/* clang-format on */
};
