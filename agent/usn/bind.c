// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* usn bind and usn unbind: running processes, into a run and out of it. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cgroup2.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/mountinfo.h"
#include "base/parse.h"
#include "base/tree.h"
#include "client/client.h"
#include "usn/rebind.h"
#include "usn/verb.h"

struct options {
	pid_t pid; /* 0: a cgroup is meant */
	bool rebind;
	const char *cgroup;
	bool unit; /* the cgroup of the unit that this runs in */
};

static int parse_options(int argc, char **argv, struct options *ret, struct usn_err *e)
{
	static const struct option longs[] = { { "pid", required_argument, NULL, 'p' },
					       { "rebind", no_argument, NULL, 'r' },
					       { "cgroup", required_argument, NULL, 'c' },
					       { "unit", no_argument, NULL, 'u' },
					       { 0 } };
	uint32_t pid;
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "p:rc:u", longs, NULL)) != -1) {
		if (c == 'r')
			ret->rebind = true;
		else if (c == 'c')
			ret->cgroup = optarg;
		else if (c == 'u')
			ret->unit = true;
		else if (c != 'p')
			return bad_option(argv, e);
		else if (parse_u32(optarg, 1, INT32_MAX, &pid) < 0)
			return usage_error(e, "'%.40s' is no process id", optarg);
		else
			ret->pid = (pid_t)pid;
	}
	if ((ret->pid != 0) + (ret->cgroup != NULL) + ret->unit != 1)
		return usage_error(e, "give one of --pid PID, --cgroup PATH and --unit");
	if (ret->rebind && !ret->pid)
		return usage_error(e, "--rebind goes with --pid");
	return 0;
}

/* The run that a cgroup is, or is in: usnN-K. NULL: none. */
static const char *run_in(const char *cgroup)
{
	return !strncmp(cgroup, "/usn/", 5) && cgroup[5] ? cgroup + 5 : NULL;
}

static bool is_kernel_thread(pid_t pid)
{
	char path[32], link[8];

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	return readlink(path, link, sizeof(link)) < 0 && errno == ENOENT;
}

static int check_process(pid_t pid, const char *device, struct usn_err *e)
{
	_cleanup_free_ char *cgroup = cgroup_of_process(pid);
	const char *run = cgroup ? run_in(cgroup) : NULL;
	size_t n = strlen(device);

	if (!cgroup)
		return usn_fail(e, ESRCH, "there is no process %d", pid);
	if (pid == 1)
		return usn_fail(e, EPERM, "process 1 is the parent of all: name another");
	if (is_kernel_thread(pid))
		return usn_fail(e, EPERM, "process %d is a thread of the kernel, or has ended",
				pid);
	if (run && !strncmp(run, device, n) && run[n] == '-')
		return usn_fail(e, EEXIST, "process %d is in the run %s already", pid, run);
	return 0;
}

static int read_exemptions(struct client *c, const char *device, struct exempt *ret,
			   struct usn_err *e)
{
	const json_t *list, *rule;
	json_t *reply;
	size_t i;
	int r = client_call(c, "List", json_pack("{s:s}", "device", device), &reply, NULL, e);

	if (r < 0)
		return r;
	list = json_object_get(json_array_get(json_object_get(reply, "devices"), 0), "except");
	json_array_foreach(list, i, rule) {
		if (r >= 0)
			r = exempt_add(ret, client_text(rule), e);
	}
	json_decref(reply);
	return r;
}

static int rebind_all(struct rebind *b, const pid_t *pids, size_t n, struct usn_err *e)
{
	size_t i;
	int r = 0;

	for (i = 0; i < n && r >= 0; i++)
		r = rebind_process(b, pids[i], e);
	free(b->seen);
	return r;
}

/*
 * The run ends with the connection if nobody has entered it by then, so what fails leaves nothing.
 */
static int bind_tree(const struct options *o, const char *device, struct usn_err *e)
{
	_cleanup_(client_freep) struct client *c = NULL;
	struct rebind b = { .change = o->rebind, .device = device };
	_cleanup_close_ int procs = -1;
	_cleanup_free_ pid_t *pids = NULL;
	json_t *reply;
	size_t n = 0;
	int r = client_open(&c, e);

	if (r >= 0)
		r = read_exemptions(c, device, &b.except, e);
	if (r < 0)
		return r;
	r = client_call(c, "Run", json_pack("{s:s}", "device", device), &reply, &procs, e);
	if (r < 0)
		return r;
	r = tree_move(o->pid, procs, &pids, &n, e);
	if (r >= 0)
		printf("%zu process%s in %s\n", n, n == 1 ? "" : "es",
		       client_text(json_object_get(reply, "run")));
	json_decref(reply);
	return r < 0 ? r : rebind_all(&b, pids, n, e);
}

/* What systemd starts before the main process may be in a cgroup of its own below the unit's. */
static char *unit_cgroup(struct usn_err *e)
{
	static const char control[] = "/.control";
	char *cgroup = cgroup_of_process(getpid());
	size_t n = cgroup ? strlen(cgroup) : 0;

	if (n >= sizeof(control) - 1 && !strcmp(cgroup + n - (sizeof(control) - 1), control))
		cgroup[n - (sizeof(control) - 1)] = '\0';
	if (n && strcmp(cgroup, "/"))
		return cgroup;
	usn_fail(e, EINVAL, "this runs in no unit, but in the root of all cgroups");
	free(cgroup);
	return NULL;
}

/* device NULL: unbind. */
static int change_cgroup(const struct options *o, const char *device, struct usn_err *e)
{
	_cleanup_(client_freep) struct client *c = NULL;
	_cleanup_free_ char *own = o->unit ? unit_cgroup(e) : NULL;
	const char *path = o->unit ? own : o->cgroup;
	json_t *reply;
	int r = path ? client_open(&c, e) : -EINVAL;

	if (r >= 0)
		r = client_call(c, device ? "Bind" : "Unbind",
				json_pack("{s:s*, s:s}", "device", device, "cgroup", path), &reply,
				NULL, e);
	if (r < 0)
		return r;
	json_decref(reply);
	return 0;
}

static int run_bind(int argc, char **argv, struct usn_err *e)
{
	struct options o = { 0 };
	uint32_t number;
	int r = parse_options(argc, argv, &o, e);

	if (r >= 0 && optind != argc - 1)
		r = usage_error(e, "which device?");
	if (r >= 0)
		r = parse_device(argv[optind], &number, e);
	if (r < 0)
		return r;
	if (!o.pid)
		return change_cgroup(&o, argv[optind], e);
	r = check_process(o.pid, argv[optind], e);
	return r < 0 ? r : bind_tree(&o, argv[optind], e);
}

/* cgroup.procs of the whole tree's root. */
static int open_root_procs(struct usn_err *e)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/self/mountinfo", "re");
	_cleanup_free_ struct mount *m = malloc(sizeof(*m));
	char path[PATH_MAX + 16];
	int fd = -1, r;

	while (f && m && fd < 0 && (r = mountinfo_next(f, m)) != 0) {
		if (r < 0 || strcmp(m->fstype, "cgroup2") || strcmp(m->root, "/"))
			continue;
		snprintf(path, sizeof(path), "%s/cgroup.procs", m->point);
		fd = open(path, O_WRONLY | O_CLOEXEC);
	}
	return fd < 0 ? usn_fail(e, ENOENT, "cannot find the root of the cgroup v2 tree") : fd;
}

static int unbind_tree(const struct options *o, struct usn_err *e)
{
	struct rebind b = { .device = "", .change = o->rebind };
	_cleanup_free_ char *cgroup = cgroup_of_process(o->pid);
	_cleanup_close_ int procs = -1;
	_cleanup_free_ pid_t *pids = NULL;
	size_t n = 0;
	int r;

	if (!cgroup)
		return usn_fail(e, ESRCH, "there is no process %d", o->pid);
	if (!run_in(cgroup))
		return usn_fail(e, ENOENT, "process %d is in no run", o->pid);
	procs = open_root_procs(e);
	if (procs < 0)
		return procs;
	r = tree_move(o->pid, procs, &pids, &n, e);
	if (r < 0)
		return r;
	printf("%zu process%s in no run\n", n, n == 1 ? "" : "es");
	return rebind_all(&b, pids, n, e);
}

static int run_unbind(int argc, char **argv, struct usn_err *e)
{
	struct options o = { 0 };
	int r = parse_options(argc, argv, &o, e);

	if (r >= 0 && optind != argc)
		r = usage_error(e, "unexpected '%.40s'", argv[optind]);
	if (r < 0)
		return r;
	return o.pid ? unbind_tree(&o, e) : change_cgroup(&o, NULL, e);
}

static const char bind_details[] =
	"  -p, --pid=PID      this process and all its descendants become a run\n"
	"  -r, --rebind       also bind the sockets that they have already, except those to or at\n"
	"                     an exempt address; otherwise these stay where they are\n"
	"  -c, --cgroup=PATH  a cgroup as it is, with all that is in it or comes in\n"
	"  -u, --unit         the cgroup of the service that this is part of:\n"
	"                     ExecStartPre=+usn bind --unit usn0\n"
	"\n"
	"With --pid the sockets that they have already are listed: process, descriptor, protocol,\n"
	"addresses, the device they were on, and what was done.\n"
	"\n"
	"  usn bind --rebind --pid 4711 usn0\n"
	"  usn bind --cgroup system.slice/app.service usn0";

const struct verb verb_bind = {
	.name = "bind",
	.arguments = "{--pid PID [--rebind] | --cgroup PATH | --unit} DEVICE",
	.summary = "bind what runs already",
	.details = bind_details,
	.run = run_bind,
};

static const char unbind_details[] =
	"  -p, --pid=PID      this process and all its descendants leave their run, to the root\n"
	"                     of the cgroup tree\n"
	"  -r, --rebind       also take the sockets that they have off the device; otherwise\n"
	"                     these stay where they are\n"
	"  -c, --cgroup=PATH  a cgroup that was bound as it is; its sockets stay where they are\n"
	"  -u, --unit         the cgroup of the service that this is part of";

const struct verb verb_unbind = {
	.name = "unbind",
	.arguments = "{--pid PID [--rebind] | --cgroup PATH | --unit}",
	.summary = "undo bind",
	.details = unbind_details,
	.run = run_unbind,
};
