// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* usnd, the agent: options, going into the background, signals. */
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "base/tool.h"
#include "tap/verifier.h"
#include "usnd/agent.h"
#include "usnd/life.h"
#include "usnd/os/notify.h"
#include "usnd/pins/pins.h"
#include "usnd/pins/redirects.h"
#include "usnd/run/ambient.h"
#include "usnd/service/service.h"

struct options {
	bool foreground;
	bool ephemeral;
	bool check;
};

static const char help[] =
	"usage: usnd [--foreground [-v]] [--ephemeral]\n"
	"       usnd --check [-v]\n"
	"\n"
	"The agent of usn: makes the devices, binds the runs, and answers usn and usn-run\n"
	"at /run/usn/usnd.sock. Devices, runs and their bindings outlive it.\n"
	"\n"
	"  --foreground   stay here and log to stderr; otherwise go into the background\n"
	"                 once the socket answers\n"
	"  --ephemeral    end with the last run and device\n"
	"  --check        load the BPF programs, attach none, and say whether the kernel\n"
	"                 takes them; exits 1 if not\n"
	"  -v, --verbose  when the kernel refuses a program, print all that its verifier said\n"
	"  --help         show this\n"
	"  --version      show the version\n";

static int finish(void)
{
	struct usn_err e;

	if (tool_flush_stdout(&e) >= 0)
		return 0;
	fprintf(stderr, "usnd: %s\n", e.text);
	return 1;
}

static int parse_options(int argc, char **argv, struct options *ret)
{
	static const struct option longs[] = { { "foreground", no_argument, NULL, 'f' },
					       { "ephemeral", no_argument, NULL, 'e' },
					       { "check", no_argument, NULL, 'c' },
					       { "verbose", no_argument, NULL, 'v' },
					       { "help", no_argument, NULL, 'h' },
					       { "version", no_argument, NULL, 'V' },
					       { 0 } };
	int c;

	while ((c = getopt_long(argc, argv, "v", longs, NULL)) != -1) {
		switch (c) {
		case 'f':
			ret->foreground = true;
			break;
		case 'e':
			ret->ephemeral = true;
			break;
		case 'c':
			ret->check = true;
			break;
		case 'v':
			verifier_log_all(true);
			break;
		case 'h':
			fputs(help, stdout);
			exit(finish());
		case 'V':
			tool_print_version("usnd");
			exit(finish());
		default:
			return -EINVAL;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "usnd: unexpected argument '%s': see usnd --help\n", argv[optind]);
		return -EINVAL;
	}
	return 0;
}

/* Forks. The parent ends when the child says that it is ready, or with the child's status. */
static int go_background(int *ret_ready_fd, struct usn_err *e)
{
	unsigned char ready;
	int fds[2], status = 0;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return usn_fail_errno(e, errno, "cannot make a pipe to the agent");
	pid = fork();
	if (pid < 0)
		return usn_fail_errno(e, errno, "cannot start the agent's process");
	if (pid > 0) {
		close(fds[1]);
		if (read(fds[0], &ready, 1) == 1)
			_exit(0);
		waitpid(pid, &status, 0);
		_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
	}
	close(fds[0]);
	setsid();
	*ret_ready_fd = fds[1];
	return 0;
}

/* The terminal and the caller's directory are theirs again. */
static int detach(int ready_fd, struct usn_err *e)
{
	static const unsigned char ready = 1;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), i;

	if (null < 0 || chdir("/") < 0)
		return usn_fail_errno(e, errno, "cannot go into the background");
	log_to_syslog("usnd");
	for (i = 0; i < 3; i++)
		dup2(null, i);
	if (null > 2)
		close(null);
	if (write(ready_fd, &ready, 1) != 1)
		log_line(LOG_WARNING, "who started this is gone");
	close(ready_fd);
	return 0;
}

static void signal_ready(struct source *s, uint32_t events)
{
	struct agent *a = SOURCE_OWNER(s, struct agent, signals);

	(void)events;
	a->loop.stop = true;
}

/* SIGTERM and SIGINT end the loop, so that the agent leaves as it should. */
static int watch_signals(struct agent *a, struct usn_err *e)
{
	sigset_t set;
	int r;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	a->signals =
		(struct source){ .fd = signalfd(-1, &set, SFD_CLOEXEC), .ready = signal_ready };
	if (a->signals.fd < 0)
		return usn_fail_errno(e, errno, "cannot watch for signals");
	r = loop_watch(&a->loop, &a->signals, EPOLLIN);
	return r < 0 ? usn_fail_errno(e, -r, "cannot watch for signals") : 0;
}

/* A descriptor for each device, run and caller: as many as there may be. */
static void raise_limits(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		return;
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
}

static void tell(const char *state)
{
	int r = notify_send(state, -1);

	if (r < 0)
		log_line(LOG_WARNING, "cannot tell the service manager '%s': %s", state,
			 strerror(-r));
}

/* usn doctor reads these lines: the status, which programs, and what there is to say of them. */
static int check(const char *name, int (*try)(struct loaded *, struct usn_err *))
{
	struct loaded l = { 0 };
	struct usn_err e;
	int r = try(&l, &e);

	if (r >= 0)
		printf("ok\t%s\t%zu %s, compiled by %s\n", name, l.n_programs,
		       l.n_programs == 1 ? "program" : "programs", l.compiler);
	else
		printf("%s\t%s\t%s\n", r == -ENOSYS ? "lack" : "refused", name, e.text);
	return r == -ENOSYS ? 0 : r;
}

/* Every program is tried, whatever became of the others. */
static int check_all(void)
{
	int devices, runs, ambient;

	libbpf_set_print(NULL);
	runs = check("runs", pins_try);
	devices = check("devices", redirects_try);
	ambient = check("ambient", ambient_try);
	return finish() || runs < 0 || devices < 0 || ambient < 0;
}

static int run(const struct options *o, struct usn_err *e)
{
	struct agent *a = NULL;
	int ready_fd = -1, r = 0;

	raise_limits();
	if (!o->foreground)
		r = go_background(&ready_fd, e);
	if (r >= 0)
		r = agent_open(&a, e);
	if (r >= 0)
		r = watch_signals(a, e);
	if (r >= 0 && !o->foreground)
		r = detach(ready_fd, e);
	if (r >= 0) {
		log_line(LOG_INFO, "ready, %zu devices", a->n_devices);
		tell("READY=1");
		if (o->ephemeral)
			service_make_ephemeral(a->service);
		r = loop_run(&a->loop);
		if (r < 0)
			usn_fail_errno(e, -r, "the event loop failed");
	}
	tell("STOPPING=1");
	agent_free(a);
	return r;
}

int main(int argc, char **argv)
{
	struct options o = { 0 };
	struct usn_err e;
	int r;

	ensure_stdio();
	if (parse_options(argc, argv, &o) < 0)
		return 2;
	if (geteuid() != 0) {
		fputs("usnd: only root can be the agent: run this as root\n", stderr);
		return 1;
	}
	if (o.check)
		return check_all();
	r = run(&o, &e);
	/* Started on demand by two at a time: one agent is what both wanted. */
	if (r == -EALREADY && o.ephemeral)
		return 0;
	if (r < 0)
		log_line(LOG_ERR, "%s", e.text);
	return r == -EAGAIN ? EX_TEMPFAIL : r < 0 ? 1 : 0;
}
