// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The methods of io.usn. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "usnd/agent.h"
#include "usnd/behind/queue.h"
#include "usnd/device/device.h"
#include "usnd/os/netlink.h"
#include "usnd/presence.h"
#include "usnd/run/ambient.h"
#include "usnd/run/bound.h"
#include "usnd/run/run.h"
#include "usnd/service/launch.h"
#include "usnd/service/methods.h"
#include "usnd/service/parameters.h"
#include "usnd/service/permit.h"
#include "usnd/service/report.h"
#include "usnd/service/service.h"

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

static bool same_addresses(const struct settings *a, const struct settings *b)
{
	size_t i, j;

	if (a->n_addresses != b->n_addresses)
		return false;
	for (i = 0; i < a->n_addresses; i++) {
		for (j = 0; j < b->n_addresses; j++) {
			if (prefix_equal(&a->addresses[i], &b->addresses[j]))
				break;
		}
		if (j == b->n_addresses)
			return false;
	}
	return true;
}

static int check_same(const struct device *d, const struct settings *s, struct usn_err *e)
{
	const char *what = !same_addresses(&d->settings, s)                    ? "addresses"
			   : d->settings.mtu != s->mtu                         ? "MTU="
			   : !exempt_equal(&d->settings.except, &s->except)    ? "exemptions"
			   : d->settings.peer != s->peer                       ? "Peer="
			   : memcmp(&d->settings.dns, &s->dns, sizeof(s->dns)) ? "DNS="
			   : d->settings.ambient != s->ambient                 ? "Ambient="
									       : NULL;

	if (!what)
		return 0;
	return usn_fail(e, EEXIST, "%s is up already with different %s: usn down %s first", d->name,
			what, d->name);
}

/* Somebody may have taken the interface down meanwhile, and IPv6 addresses and routes went with that. */
static int stay_up(struct device *d, const struct settings *s, struct usn_err *e)
{
	struct link_state st;
	int r = netlink_link(d->agent->nl, d->ifindex, &st);

	if (r >= 0 && !st.up)
		r = netlink_configure(d->agent->nl, d->ifindex, d->number, &d->settings, true, e);
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

static int method_up(struct caller *c, const json_t *parameters, json_t **ret, int *ret_fd,
		     struct usn_err *e)
{
	struct settings s;
	struct device *d;
	uint32_t number;
	int r = get_number(parameters, &number, e);

	(void)ret_fd;
	if (r >= 0)
		r = read_settings(json_object_get(parameters, "settings"), number, &s, e);
	if (r < 0)
		return r;
	d = c->agent->devices[number];
	if (d && !d->ifindex)
		device_forget(d);
	d = c->agent->devices[number];
	r = d ? stay_up(d, &s, e) : device_up(c->agent, number, &s, e);
	if (r < 0)
		return r;
	*ret = json_pack("{s:b, s:o}", "created", !d, "warnings", warnings());
	return 0;
}

/* Down */

/* What has ended is in nobody's way, even if the kernel's word of it is still to be read. */
static void sweep(struct agent *a)
{
	runs_sweep(a);
	devices_settle(a);
}

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

static int method_down(struct caller *c, const json_t *parameters, json_t **ret, int *ret_fd,
		       struct usn_err *e)
{
	struct device *d;
	int r;

	(void)ret_fd;
	sweep(c->agent);
	r = get_device(c, parameters, false, &d, e);
	if (r >= 0 && !json_is_true(json_object_get(parameters, "force")))
		r = check_unused(d, e);
	if (r >= 0)
		r = device_down(d, e);
	if (r < 0)
		return r;
	*ret = json_object();
	return 0;
}

/* List */

static int method_list(struct caller *c, const json_t *parameters, json_t **ret, int *ret_fd,
		       struct usn_err *e)
{
	struct device *only = NULL, *d;
	struct usn_err no;
	json_t *list, *o;
	size_t i = 0;
	int r = 0;

	(void)ret_fd;
	sweep(c->agent);
	if (json_object_get(parameters, "device"))
		r = get_device(c, parameters, false, &only, e);
	if (r < 0)
		return r;
	list = json_array();
	while (r >= 0 && (d = agent_next_device(c->agent, &i))) {
		if ((only && d != only) || permit_device(c, d->number, &no) < 0)
			continue;
		r = report_device(d, only != NULL, &o, e);
		if (r >= 0)
			json_array_append_new(list, o);
	}
	if (r < 0) {
		json_decref(list);
		return r;
	}
	*ret = json_pack("{s:o}", "devices", list);
	return 0;
}

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

static int check_netns(struct caller *c, const json_t *netns, struct usn_err *e)
{
	if (!netns || (uint64_t)json_integer_value(netns) == c->agent->netns_cookie)
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

static int method_run(struct caller *c, const json_t *parameters, json_t **ret, int *ret_fd,
		      struct usn_err *e)
{
	const char *command = json_string_value(json_object_get(parameters, "command"));
	const char *name = NULL;
	struct run_options o;
	struct device *d;
	int r = get_device(c, parameters, true, &d, e);

	if (r >= 0)
		r = read_options(parameters, &o, e);
	if (r >= 0)
		r = read_dns(parameters, &o, e);
	if (r >= 0 && c->launching)
		r = usn_fail(e, EBUSY, "this connection has a run already");
	if (r >= 0)
		r = check_netns(c, json_object_get(parameters, "netns"), e);
	if (r >= 0)
		r = check_up(d, e);
	if (r >= 0)
		r = launch(c, d, &o, command, &name, ret_fd, e);
	if (r < 0)
		return r;
	*ret = json_pack("{s:s, s:b, s:o}", "run", name, "entered", *ret_fd < 0, "dns",
			 report_dns(o.own_dns ? &o.dns : &d->settings.dns));
	return 0;
}

/* Rig */

static int method_rig(struct caller *c, const json_t *parameters, json_t **ret, int *ret_fd,
		      struct usn_err *e)
{
	_cleanup_close_ int queue = -1;
	struct device *d;
	int r = get_device(c, parameters, true, &d, e), pidfd;

	if (r < 0)
		return r;
	pidfd = permit_pidfd(c, e);
	if (pidfd < 0)
		return pidfd;
	queue = fcntl(d->queue.fd, F_DUPFD_CLOEXEC, 3);
	if (queue < 0) {
		close_fd(pidfd);
		return usn_fail_errno(e, errno, "cannot lend the queue of %s", d->name);
	}
	r = queue_lend(d, c->cred.pid, pidfd, e);
	if (r < 0)
		return r;
	*ret_fd = TAKE_FD(queue);
	*ret = json_object();
	return 0;
}

/* Bind and Unbind */

static int get_cgroup(const json_t *parameters, const char **ret, struct usn_err *e)
{
	*ret = json_string_value(json_object_get(parameters, "cgroup"));
	return *ret ? 0 : usn_fail(e, EINVAL, "the parameter 'cgroup' is missing");
}

static int method_bind(struct caller *c, const json_t *parameters, json_t **ret, int *ret_fd,
		       struct usn_err *e)
{
	const struct run_options plain = { 0 };
	const char *path = NULL;
	struct run *run = NULL;
	struct device *d;
	int r = get_device(c, parameters, true, &d, e);

	(void)ret_fd;
	if (r >= 0)
		r = get_cgroup(parameters, &path, e);
	if (r >= 0)
		r = check_up(d, e);
	if (r >= 0)
		r = bound_start(d, path, &plain, &run, e);
	if (r >= 0)
		*ret = json_object();
	return r;
}

static int method_unbind(struct caller *c, const json_t *parameters, json_t **ret, int *ret_fd,
			 struct usn_err *e)
{
	const char *path;
	int r = get_cgroup(parameters, &path, e);

	(void)ret_fd;
	if (r >= 0)
		r = bound_end(c->agent, path, e);
	if (r >= 0)
		*ret = json_object();
	return r;
}

/* Ambient */

static int method_ambient(struct caller *c, const json_t *parameters, json_t **ret, int *ret_fd,
			  struct usn_err *e)
{
	const json_t *on = json_object_get(parameters, "on");
	int r = 0;

	(void)ret_fd;
	if (json_is_true(on))
		r = ambient_on(c->agent, json_string_value(json_object_get(parameters, "cgroup")),
			       e);
	else if (json_is_false(on))
		ambient_off(c->agent);
	if (r >= 0)
		*ret = report_ambient(c->agent);
	return r;
}

/* Yield */

static int method_yield(struct caller *c, const json_t *parameters, json_t **ret, int *ret_fd,
			struct usn_err *e)
{
	(void)parameters, (void)ret_fd;
	if (!service_yield(c->agent->service))
		return usn_fail(e, EBUSY, "this agent was not started on demand: it stays");
	*ret = json_object();
	return 0;
}

const struct method methods[] = {
	/* clang-format off */
	{ "Up", method_up, false },
	{ "Down", method_down, false },
	{ "List", method_list, true },
	{ "Run", method_run, true },
	{ "Rig", method_rig, true },
	{ "Tap", method_tap, true },
	{ "TapMap", method_tap_map, true },
	{ "TapAdd", method_tap_add, true },
	{ "TapLink", method_tap_link, true },
	{ "Ambient", method_ambient, false },
	{ "Bind", method_bind, false },
	{ "Unbind", method_unbind, false },
	{ "Yield", method_yield, false },
	{ 0 }
	/* clang-format on */
};
