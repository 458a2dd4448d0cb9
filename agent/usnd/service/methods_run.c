// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The methods of runs and of what is bound like one: Run, Bind, Unbind and Ambient. */
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "usnd/agent.h"
#include "usnd/device/device.h"
#include "usnd/os/netlink.h"
#include "usnd/run/ambient.h"
#include "usnd/run/bound.h"
#include "usnd/run/run.h"
#include "usnd/service/call.h"
#include "usnd/service/caller.h"
#include "usnd/service/launch.h"
#include "usnd/service/methods.h"
#include "usnd/service/report.h"

/* Run */

static int check_up(struct device *d, struct usn_err *e)
{
	struct link_state st;

	if (netlink_link(d->agent->nl, d->ifindex, &st) < 0)
		return usn_fail(e, ENODEV, "the interface %s was removed: usn up %s", d->name,
				d->name);
	if (!st.up)
		return usn_fail(e, ENETDOWN, "the interface %s was taken down: ip link set %s up",
				d->name, d->name);
	return 0;
}

static int check_netns(const struct call *call, struct usn_err *e)
{
	const json_t *netns = json_object_get(call->parameters, "netns");

	if (!netns || (uint64_t)json_integer_value(netns) == call->caller->agent->netns_cookie)
		return 0;
	return usn_fail(e, EXDEV,
			"the devices are in another network namespace: run this where the agent "
			"was started");
}

static int read_options(const json_t *parameters, struct run_options *ret, struct usn_err *e)
{
	const json_t *rules = json_object_get(parameters, "except"), *rule;
	size_t i;
	int r = 0;

	*ret = (struct run_options){
		.only_except = json_is_true(json_object_get(parameters, "only_except")),
		.no_guard = json_is_true(json_object_get(parameters, "no_guard"))
	};
	if (rules && !json_is_array(rules))
		return usn_fail(e, EINVAL, "the parameter 'except' is not a list of strings");
	json_array_foreach(rules, i, rule) {
		const char *text = json_string_value(rule);

		r = text ? exempt_add(&ret->except, text, e)
			 : usn_fail(e, EINVAL, "the parameter 'except' is not a list of strings");
		if (r < 0)
			break;
	}
	return r;
}

static int read_dns(const json_t *parameters, struct run_options *ret, struct usn_err *e)
{
	const json_t *value = json_object_get(parameters, "dns");
	const char *text = json_string_value(value);

	if (!value)
		return 0;
	if (!text)
		return usn_fail(e, EINVAL, "the parameter 'dns' is not a string");
	ret->own_dns = true;
	return strcmp(text, "none") ? dns_parse(text, &ret->dns, e) : 0;
}

int method_run(struct call *call, struct usn_err *e)
{
	struct device *d = call->device;
	const char *name = NULL;
	struct run_options o;
	int r = read_options(call->parameters, &o, e);

	if (r >= 0)
		r = read_dns(call->parameters, &o, e);
	if (r >= 0 && call->caller->launching)
		r = usn_fail(e, EBUSY, "this connection has a run already");
	if (r >= 0)
		r = check_netns(call, e);
	if (r >= 0)
		r = check_up(d, e);
	if (r >= 0)
		r = launch(call, &o, &name, e);
	if (r < 0)
		return r;
	return call_answer(call,
			   json_pack("{s:s, s:b, s:o}", "run", name, "entered", call->fd < 0, "dns",
				     report_dns(o.own_dns ? &o.dns : &d->settings.dns)),
			   e);
}

/* Bind and Unbind */

static int get_cgroup(const struct call *call, const char **ret, struct usn_err *e)
{
	*ret = json_string_value(json_object_get(call->parameters, "cgroup"));
	return *ret ? 0 : usn_fail(e, EINVAL, "the parameter 'cgroup' is missing");
}

int method_bind(struct call *call, struct usn_err *e)
{
	const struct run_options plain = { 0 };
	const char *path = NULL;
	struct run *run;
	int r = get_cgroup(call, &path, e);

	if (r >= 0)
		r = check_up(call->device, e);
	return r < 0 ? r : bound_start(call->device, path, &plain, &run, e);
}

int method_unbind(struct call *call, struct usn_err *e)
{
	const char *path;
	int r = get_cgroup(call, &path, e);

	return r < 0 ? r : bound_end(call->caller->agent, path, e);
}

/* Ambient */

int method_ambient(struct call *call, struct usn_err *e)
{
	const char *cgroup = json_string_value(json_object_get(call->parameters, "cgroup"));
	const json_t *on = json_object_get(call->parameters, "on");
	struct agent *a = call->caller->agent;
	int r = 0;

	if (json_is_true(on))
		r = ambient_on(a, cgroup, e);
	else if (json_is_false(on))
		ambient_off(a);
	return r < 0 ? r : call_answer(call, report_ambient(a), e);
}
