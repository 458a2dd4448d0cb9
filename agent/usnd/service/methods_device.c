// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The methods of devices: Up, Down, List and Rig. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "usnd/agent.h"
#include "usnd/behind/queue.h"
#include "usnd/device/device.h"
#include "usnd/device/interface.h"
#include "usnd/os/netlink.h"
#include "usnd/presence.h"
#include "usnd/run/runs.h"
#include "usnd/service/call.h"
#include "usnd/service/caller.h"
#include "usnd/service/methods.h"
#include "usnd/service/permit.h"
#include "usnd/service/report.h"

/* Up */

static int read_settings(const json_t *words, uint32_t number, struct settings *ret,
			 struct usn_err *e)
{
	size_t n = json_array_size(words), i;
	_cleanup_free_ const char **list = calloc(n + 1, sizeof(*list));
	struct usn_err why;
	char path[64];
	int r;

	if (!list)
		return usn_fail(e, ENOMEM, "out of memory");
	if (words && !json_is_array(words))
		return usn_fail(e, EINVAL, "the parameter 'settings' is not a list of strings");
	for (i = 0; i < n; i++) {
		list[i] = json_string_value(json_array_get(words, i));
		if (!list[i])
			return usn_fail(e, EINVAL,
					"the parameter 'settings' is not a list of strings");
	}
	settings_default(number, ret);
	settings_path(number, path);
	r = settings_read(path, ret, e);
	if (r >= 0)
		r = settings_apply(list, n, ret, e);
	if (r >= 0)
		r = settings_check(ret, e);
	/* Nothing on the command line was wrong. */
	if (r < 0 && !n && e->code == EINVAL) {
		why = *e;
		r = usn_fail(e, EBADMSG, "%s: %s", path, why.text);
	}
	return r;
}

static int check_same(const struct device *d, const struct settings *s, struct usn_err *e)
{
	const char *key = settings_differ(&d->settings, s);

	return key ? usn_fail(e, EEXIST, "%s is up already with different %s=: usn down %s first",
			      d->name, key, d->name)
		   : 0;
}

/*
 * Somebody may have taken the interface down meanwhile, and IPv6 addresses and routes went with
 * that.
 */
static int stay_up(struct device *d, const struct settings *s, struct usn_err *e)
{
	struct link_state st;
	int r = netlink_link(d->agent->nl, d->ifindex, &st);

	if (r >= 0 && !st.up)
		r = interface_configure(d->agent->nl, d->ifindex, d->number, &d->settings, true, e);
	else if (r < 0)
		r = usn_fail_errno(e, -r, "cannot read the state of %s", d->name);
	return r < 0 ? r : check_same(d, s, e);
}

/* net.ipv4.conf.all.rp_filter counts beside the device's own, and the larger one wins. */
static json_t *warnings(void)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/sys/net/ipv4/conf/all/rp_filter", "re");
	json_t *list = json_array();
	int value = 0;

	if (f && fscanf(f, "%d", &value) == 1 && value)
		json_array_append_new(
			list, json_sprintf("net.ipv4.conf.all.rp_filter is %d: the host drops "
					   "replies that no route leads back to; set it to 0",
					   value));
	return list;
}

int method_up(struct call *call, struct usn_err *e)
{
	struct agent *a = call->caller->agent;
	struct settings s;
	struct device *d;
	uint32_t number;
	int r = call_number(call, &number, e);

	if (r >= 0)
		r = read_settings(json_object_get(call->parameters, "settings"), number, &s, e);
	if (r < 0)
		return r;
	d = a->devices[number];
	if (d && !d->ifindex)
		device_forget(d);
	d = a->devices[number];
	r = d ? stay_up(d, &s, e) : device_up(a, number, &s, e);
	if (r < 0)
		return r;
	return call_answer(call, json_pack("{s:b, s:o}", "created", !d, "warnings", warnings()), e);
}

/* Down */

static int check_unused(struct device *d, struct usn_err *e)
{
	char names[200] = "";
	struct run *r;
	size_t n = 0;

	LIST_FOREACH(r, &d->agent->runs, list)
	{
		if (r->number == d->number && n < sizeof(names))
			n += (size_t)snprintf(names + n, sizeof(names) - n, "%s%s", n ? " " : "",
					      r->name);
	}
	if (!n)
		return 0;
	return usn_fail(e, EBUSY, "%s is in use by %s: end them, or take it from them with --force",
			d->name, names);
}

int method_down(struct call *call, struct usn_err *e)
{
	int r = 0;

	if (!json_is_true(json_object_get(call->parameters, "force")))
		r = check_unused(call->device, e);
	return r < 0 ? r : device_down(call->device, e);
}

/* List */

/* A device that the caller may not use is not there for him. */
int method_list(struct call *call, struct usn_err *e)
{
	const struct device *only = call->device;
	json_t *list = json_array(), *o;
	struct usn_err no;
	struct device *d;
	size_t i = 0;
	int r = 0;

	while (r >= 0 && (d = agent_next_device(call->caller->agent, &i))) {
		if ((only && d != only) || permit_device(call->caller, d->number, &no) < 0)
			continue;
		r = report_device(d, only != NULL, &o, e);
		if (r >= 0)
			json_array_append_new(list, o);
	}
	if (r >= 0)
		return call_answer(call, json_pack("{s:o}", "devices", list), e);
	json_decref(list);
	return r;
}

/* Rig */

int method_rig(struct call *call, struct usn_err *e)
{
	struct device *d = call->device;
	int r, pidfd = permit_pidfd(call->caller, e);

	if (pidfd < 0)
		return pidfd;
	call->fd = fcntl(d->behind.queue.fd, F_DUPFD_CLOEXEC, 3);
	if (call->fd < 0) {
		r = usn_fail_errno(e, errno, "cannot lend the queue of %s", d->name);
		close_fd(pidfd);
		return r;
	}
	return queue_lend(&d->behind, call->caller->cred.pid, pidfd, e);
}
