// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Devices and runs as JSON. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/counters.h"
#include "base/err.h"
#include "base/sockets.h"
#include "usnd/agent.h"
#include "usnd/behind/peer.h"
#include "usnd/device/device.h"
#include "usnd/os/cgroup.h"
#include "usnd/os/netlink.h"
#include "usnd/pins/pins.h"
#include "usnd/run/ambient.h"
#include "usnd/run/runs.h"
#include "usnd/service/report.h"

/* The process's name; anything can be in it, JSON takes only UTF-8. */
static json_t *process(pid_t pid)
{
	char path[64], comm[64] = "?";
	_cleanup_close_ int fd = -1;
	ssize_t n, i;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, comm, sizeof(comm) - 1);
	if (n > 0)
		comm[n] = '\0';
	for (i = 0; i < n; i++) {
		if (comm[i] == '\n')
			comm[i] = '\0';
		else if (comm[i] < ' ' || comm[i] > '~')
			comm[i] = '?';
	}
	return json_pack("{s:i, s:s}", "pid", pid, "command", comm);
}

static json_t *addresses(const struct settings *s)
{
	json_t *list = json_array();
	char text[PREFIX_TEXT_SIZE];
	size_t i;

	for (i = 0; i < s->n_addresses; i++)
		json_array_append_new(list, json_string(prefix_text(&s->addresses[i], text)));
	return list;
}

static json_t *exemptions(const struct exempt *x)
{
	json_t *list = json_array();
	char text[EXEMPT_TEXT_SIZE];
	size_t i;

	if (x->flags & USN_BIND_LOOPBACK)
		json_array_append_new(list, json_string("loopback"));
	if (x->flags & USN_BIND_LOCAL)
		json_array_append_new(list, json_string("local"));
	for (i = 0; i < x->n; i++)
		json_array_append_new(list, json_string(exempt_rule_text(&x->rules[i], text)));
	return list;
}

json_t *report_dns(const struct dns *dns)
{
	json_t *list = json_array();
	char text[DNS_TEXT_SIZE];
	size_t i;

	for (i = 0; i < dns->n; i++)
		json_array_append_new(list, json_string(dns_server_text(dns->servers[i], text)));
	return list;
}

/* The sockets of one process, and those that are stale: on an interface that is no device's now. */
struct stale {
	const struct agent *agent;
	json_t *list;
	int sockets;
};

static int note_socket(const struct process_socket *s, int dup, void *arg)
{
	char protocol[16], local[SOCKET_ADDR_SIZE], peer[SOCKET_ADDR_SIZE];
	struct stale *q = arg;

	(void)dup;
	q->sockets++;
	if (s->ifindex && !device_by_ifindex(q->agent, s->ifindex))
		json_array_append_new(q->list,
				      json_pack("{s:i, s:s, s:s, s:s, s:i}", "descriptor", s->fd,
						"protocol", socket_protocol_text(s, protocol),
						"local", socket_addr_text(&s->local, local), "peer",
						socket_addr_text(&s->peer, peer), "ifindex",
						(int)s->ifindex));
	return 0;
}

static json_t *process_with_sockets(const struct agent *a, pid_t pid)
{
	struct stale q = { .agent = a, .list = json_array() };
	json_t *o = process(pid);

	sockets_each(pid, note_socket, &q);
	json_object_set_new(o, "sockets", json_integer(q.sockets));
	json_object_set_new(o, "stale", q.list);
	return o;
}

static json_t *run_json(struct run *r, bool all)
{
	_cleanup_free_ pid_t *pids = NULL;
	json_t *list = json_array();
	size_t n = 0, i;

	if (!cgroup_pids(r->dir_fd, &pids, &n)) {
		for (i = 0; i < n; i++)
			json_array_append_new(list, all ? process_with_sockets(r->agent, pids[i])
							: process(pids[i]));
	}
	return json_pack("{s:s, s:I, s:o}", "name", r->name, "cgroup", (json_int_t)r->id,
			 "processes", list);
}

static json_t *runs_of(struct device *d, bool all)
{
	json_t *list = json_array();
	struct run *r;

	LIST_FOREACH(r, &d->agent->runs, list)
	{
		if (r->number == d->number)
			json_array_insert_new(list, 0, run_json(r, all));
	}
	return list;
}

static json_t *traffic(uint64_t packets, uint64_t bytes, uint64_t dropped)
{
	return json_pack("{s:I, s:I, s:I}", "packets", (json_int_t)packets, "bytes",
			 (json_int_t)bytes, "dropped", (json_int_t)dropped);
}

static json_t *verdicts_of(struct device *d)
{
	struct usn_counters c = { 0 };
	json_t *o = json_object();
	size_t i;

	counters_read(d->agent->pins, d->number, &c);
	for (i = 0; i < N_COUNTERS; i++)
		json_object_set_new(o, counters[i].name,
				    json_integer((json_int_t)counter_value(&counters[i], &c)));
	return o;
}

int report_device(struct device *d, bool all, json_t **ret, struct usn_err *e)
{
	struct link_state st = { 0 };
	json_t *o;
	int r = d->ifindex ? netlink_link(d->agent->nl, d->ifindex, &st) : 0;

	if (r < 0)
		return usn_fail_errno(e, -r, "cannot read the state of %s", d->name);
	o = json_pack("{s:s, s:b, s:i, s:b, s:i, s:o, s:s, s:o, s:o, s:b, s:o, s:o, s:I, s:I, s:I, "
		      "s:o, s:o}",
		      "name", d->name, "gone", !d->ifindex, "ifindex", (int)d->ifindex, "up", st.up,
		      "mtu", (int)st.mtu, "addresses", addresses(&d->settings), "peer",
		      peer_name(d->settings.peer), "except", exemptions(&d->settings.except), "dns",
		      report_dns(&d->settings.dns), "ambient", (int)d->settings.ambient, "out",
		      traffic(st.out_packets, st.out_bytes, st.out_dropped), "in",
		      traffic(st.in_packets, st.in_bytes, st.in_dropped), "peer_read",
		      (json_int_t)d->behind.peer_read, "peer_answered",
		      (json_int_t)d->behind.peer_answered, "peer_failed",
		      (json_int_t)d->behind.peer_failed, "verdicts", verdicts_of(d), "runs",
		      runs_of(d, all));
	if (!o)
		return usn_fail(e, ENOMEM, "out of memory");
	if (d->behind.rig.fd >= 0)
		json_object_set_new(o, "rig", process(d->behind.rig_pid));
	*ret = o;
	return 0;
}

static json_t *ambient_names(const struct agent *a)
{
	json_t *list = json_array();
	const struct device *d;
	size_t i = 0;

	while ((d = agent_next_device(a, &i))) {
		if (d->ifindex && d->settings.ambient)
			json_array_append_new(list, json_string(d->name));
	}
	return list;
}

json_t *report_ambient(const struct agent *a)
{
	struct usn_ambient_counters c = { 0 };
	_cleanup_free_ char *path = a->ambient ? ambient_path(a) : NULL;

	if (a->ambient)
		ambient_counters(a, &c);
	return json_pack("{s:b, s:s*, s:o, s:I, s:I, s:I}", "on", a->ambient != NULL, "cgroup",
			 path, "devices", ambient_names(a), "refused_unknown",
			 (json_int_t)c.refused_unknown, "refused_unreadable",
			 (json_int_t)c.refused_unreadable, "dropped_gone",
			 (json_int_t)c.dropped_gone);
}
