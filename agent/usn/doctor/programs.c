// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * usn doctor: whether the kernel takes the very programs that usn loads.
 *
 * The small programs of kernel.c say what the kernel can do. What a compiler made of the
 * real ones is another matter, and only the verifier knows.
 * The agent's programs are in usnd, so the agent that would be started here tries them;
 * those of a tap are loaded in this process, as usn tail does.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/sibling.h"
#include "tap/filter.h"
#include "tap/tap_programs.h"
#include "tap/verifier.h"
#include "paths.h"
#include "usn/doctor/doctor.h"

/* An id: no cgroup has to be there for a try. */
#define SOME_CGROUP 1

#define NO_TAPS "usn tail and usn record do not work"

/* By the names that usnd --check gives them. */
static const struct {
	const char *name, *row, *without;
} agents[] = {
	{ "runs", "programs/runs", "usnd does not start: usnd --check -v prints the whole log" },
	{ "devices", "programs/devices",
	  "usnd does not start: usnd --check -v prints the whole log" },
	{ "ambient", "programs/ambient",
	  "usn ambient on is refused: usnd --check -v prints the whole log" },
};

/* Ends with this process: what it has loaded is nobody's then. */
static _Noreturn void exec_check(const char *path, int out, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	dup2(out, STDOUT_FILENO);
	execl(path, "usnd", "--check", (char *)NULL);
	_exit(127);
}

/* STATUS, NAME and TEXT of a line of usnd --check, each behind a tab. */
static void read_line(struct finding *f, size_t i, char *line)
{
	char *name, *text, *end, *status = strtok_r(line, "\t", &end);

	name = strtok_r(NULL, "\t", &end);
	text = strtok_r(NULL, "\n", &end);
	if (!text || strcmp(name, agents[i].name))
		return;
	finding_say(f, "%s", text);
	if (!strcmp(status, "refused"))
		finding_advise(f, FINDING_MISSING, "%s", agents[i].without);
	else if (!strcmp(status, "lack"))
		finding_advise(f, FINDING_WARN, "usn ambient on is refused");
}

static void read_check(struct findings *all, int fd, const char *path)
{
	_cleanup_fclose_ FILE *in = fdopen(fd, "r");
	char line[1024];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(agents); i++) {
		struct finding *f = finding_add(all, agents[i].row);

		if (in && fgets(line, sizeof(line), in))
			read_line(f, i, line);
		if (f->found[0])
			continue;
		finding_say(f, "%s --check does not answer", path);
		finding_advise(f, FINDING_MISSING, "install usnd of this version of usn");
	}
	if (!in)
		close_fd(fd);
}

static void check_agent(struct findings *all)
{
	pid_t pid, parent = getpid();
	char path[PATH_MAX];
	int fds[2];

	sibling_path("usnd", USN_SBINDIR, path);
	if (pipe2(fds, O_CLOEXEC) < 0)
		fds[0] = fds[1] = -1;
	pid = fds[0] < 0 ? -1 : fork();
	if (!pid)
		exec_check(path, fds[1], parent);
	close_fd(fds[1]);
	read_check(all, fds[0], path);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/* As a tap is opened without options; and with each that puts more into its programs. */
static int try_taps(struct loaded *l, struct usn_err *e)
{
	const struct usn_tap_options plain = { .size = sizeof(plain) };
	const struct usn_tap_options chosen = {
		.size = sizeof(chosen), .flags = USN_TAP_IMMEDIATE, .pid = 1, .comm = "usn"
	};
	_cleanup_(filter_freep) struct filter *f = NULL;
	int r = filter_compile("tcp port 80", &f, e);

	if (r >= 0)
		r = tap_programs_try(&plain, 0, NULL, l, e);
	return r < 0 ? r : tap_programs_try(&chosen, SOME_CGROUP, f, l, e);
}

static void check_taps(struct findings *all)
{
	struct finding *f = finding_add(all, "programs/taps");
	struct loaded l = { 0 };
	struct usn_err e;
	int r = try_taps(&l, &e);

	if (r >= 0) {
		finding_say(f, "%zu programs, compiled by %s", l.n_programs, l.compiler);
		return;
	}
	finding_say(f, "%s", e.text);
	finding_advise(f, r == -ENOSYS ? FINDING_WARN : FINDING_MISSING, NO_TAPS);
}

void doctor_programs(struct findings *all)
{
	check_agent(all);
	check_taps(all);
}
