// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Asking systemd for a scope (org.freedesktop.systemd1(5)). */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-daemon.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "usnd/os/scope.h"

#define MANAGER \
	"org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager"
#define TIMEOUT_US \
	(10 * 1000000ULL) /* it takes milliseconds; the agent does nothing else meanwhile */
#define COMMAND_MAX 48
#define TRIES 1000

struct job {
	const char *path;
	char result[32]; /* empty: it is not done */
};

bool scope_wanted(void)
{
	return sd_booted() > 0;
}

/* What a unit's name may have; a "-" in a scope's name means nothing. */
static void make_name(const char *device, const char *command, uint32_t k,
		      char ret[SCOPE_NAME_SIZE])
{
	char plain[COMMAND_MAX + 1];
	size_t i;

	for (i = 0; command[i] && i < COMMAND_MAX; i++)
		plain[i] = isalnum((unsigned char)command[i]) || strchr("_.-", command[i])
				   ? command[i]
				   : '_';
	plain[i] = '\0';
	snprintf(ret, SCOPE_NAME_SIZE, "usn-%s-%s-%u.scope", device, plain, k);
}

static int job_removed(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct job *job = userdata;
	const char *path, *unit, *result;
	uint32_t id;

	(void)error;
	if (sd_bus_message_read(m, "uoss", &id, &path, &unit, &result) >= 0 && job->path &&
	    !strcmp(path, job->path))
		snprintf(job->result, sizeof(job->result), "%s", result);
	return 0;
}

/* The bus, or where there is none, systemd's own socket, as systemctl has it. */
static int open_bus(sd_bus **ret)
{
	int r = sd_bus_open_system(ret);

	if (r >= 0)
		return r;
	r = sd_bus_new(ret);
	if (r >= 0)
		r = sd_bus_set_address(*ret, "unix:path=/run/systemd/private");
	return r < 0 ? r : sd_bus_start(*ret);
}

/* A scope that ended badly is not kept for somebody to look at: it ended. */
static int call(sd_bus *bus, const char *name, pid_t pid, const char *device, const char *command,
		sd_bus_message **ret, sd_bus_error *error)
{
	char text[COMMAND_MAX + 64];

	snprintf(text, sizeof(text), "%.*s on %s", COMMAND_MAX, command, device);
	return sd_bus_call_method(bus, MANAGER, "StartTransientUnit", error, ret,
				  "ssa(sv)a(sa(sv))", name, "fail", 4, "Description", "s", text,
				  "Slice", "s", "usn.slice", "PIDs", "au", 1, (uint32_t)pid,
				  "CollectMode", "s", "inactive-or-failed", 0);
}

static int wait_done(sd_bus *bus, struct job *job)
{
	uint64_t end = clock_mono_ns() / 1000 + TIMEOUT_US, now;
	int r;

	while (!*job->result) {
		r = sd_bus_process(bus, NULL);
		if (r < 0)
			return r;
		if (r > 0)
			continue;
		now = clock_mono_ns() / 1000;
		if (now >= end)
			return -ETIMEDOUT;
		r = sd_bus_wait(bus, end - now);
		if (r < 0)
			return r;
	}
	return strcmp(job->result, "done") ? -ECANCELED : 0;
}

/* -EEXIST: there is one of that name. */
static int start(sd_bus *bus, const char *name, pid_t pid, const char *device, const char *command,
		 struct usn_err *e)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	_cleanup_(sd_bus_slot_unrefp) sd_bus_slot *slot = NULL;
	struct job job = { 0 };
	int r;

	/* Before the call: the job may be done before its answer is here. */
	r = sd_bus_match_signal(bus, &slot, MANAGER, "JobRemoved", job_removed, &job);
	if (r >= 0)
		r = call(bus, name, pid, device, command, &reply, &error);
	if (r < 0 && sd_bus_error_has_name(&error, "org.freedesktop.systemd1.UnitExists"))
		return -EEXIST;
	if (r < 0)
		return usn_fail(e, -r, "systemd does not make the scope %s: %s", name,
				error.message ? error.message : strerror(-r));
	r = sd_bus_message_read(reply, "o", &job.path);
	if (r >= 0)
		r = wait_done(bus, &job);
	if (r < 0)
		return usn_fail(e, -r, "systemd did not make the scope %s: %s", name,
				*job.result ? job.result : strerror(-r));
	return 0;
}

int scope_start(pid_t pid, const char *device, const char *command, uint32_t *k,
		char ret_name[SCOPE_NAME_SIZE], struct usn_err *e)
{
	_cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
	int r = open_bus(&bus), i;

	if (r >= 0)
		r = sd_bus_set_method_call_timeout(bus, TIMEOUT_US);
	if (r < 0)
		return usn_fail_errno(e, -r, "systemd cannot be asked for a scope");
	/* What an agent before has started may be there yet. */
	for (i = 0; i < TRIES; i++, ++*k) {
		make_name(device, command, *k, ret_name);
		r = start(bus, ret_name, pid, device, command, e);
		if (r != -EEXIST)
			return r;
	}
	return usn_fail(e, EEXIST, "there is a scope %s already", ret_name);
}
