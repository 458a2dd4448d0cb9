// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The recorder of a run. It is no child of the program, which could be surprised by one;
 * it is in a session of its own, so that the terminal's signals are not for it; and it is forked
 * before there is a run, so that it is none of the run's processes, and waits for the run's name.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/pidfd.h"
#include "base/sibling.h"
#include "paths.h"
#include "usn-run/recorder.h"

#define PIDFD 3 /* in the recorder */

/* Malloced; NULL: there is no memory, or no working directory. */
static char *make_absolute(const char *file)
{
	_cleanup_free_ char *dir = *file == '/' ? strdup("") : getcwd(NULL, 0);
	char *path = NULL;

	if (!dir || asprintf(&path, "%s%s%s", dir, *dir ? "/" : "", file) < 0)
		return NULL;
	return path;
}

static int check_writable(const char *path, struct usn_err *e)
{
	_cleanup_close_ int fd =
		open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NONBLOCK, 0640);

	if (fd >= 0) {
		unlink(path);
		return 0;
	}
	if (errno == EEXIST)
		fd = open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK);
	return fd < 0 ? usn_fail_errno(e, errno, "cannot open %.200s", path) : 0;
}

int recorder_check(const char *file, char **ret_path, struct usn_err *e)
{
	_cleanup_free_ char *path = make_absolute(file);
	int r;

	if (!path)
		return usn_fail_errno(e, errno, "cannot tell where '%.200s' is", file);
	if (pidfd_status_works() < 0)
		return usn_fail(
			e, ENOSYS,
			"--dump-on-failure needs Linux 6.15: this kernel has no PIDFD_INFO_EXIT");
	r = check_writable(path, e);
	if (r >= 0)
		*ret_path = TAKE_PTR(path);
	return r;
}

/* Its errors of later go where ours go; until it is ready, all that it says goes to us. */
static int place_descriptors(int out, int pidfd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0 ||
	    dup2(out, STDERR_FILENO) < 0)
		return -errno;
	if (dup2(pidfd, PIDFD) < 0 || fcntl(PIDFD, F_SETFD, 0) < 0)
		return -errno;
	/* What our caller left open must not live as long as the program. */
	return close_range(PIDFD + 1, ~0u, 0) < 0 ? -errno : 0;
}

/* False: there will be no run. */
static bool wait_run(int in, char run[PATH_MAX])
{
	size_t n = 0;
	ssize_t got;

	while (n < PATH_MAX - 1 && (got = read(in, run + n, PATH_MAX - 1 - n)) > 0)
		n += (size_t)got;
	run[n] = '\0';
	return n;
}

static _Noreturn void exec_recorder(const char *device, const char *path, int in, int out,
				    int pidfd)
{
	char usn[PATH_MAX], run[PATH_MAX], fd[16];

	sibling_path("usn", USN_BINDIR, usn);
	snprintf(fd, sizeof(fd), "%d", PIDFD);
	if (!wait_run(in, run))
		_exit(0);
	if (setsid() >= 0 && chdir("/") == 0 && place_descriptors(out, pidfd) == 0) {
		/* In ambient mode it would be bound. */
		unsetenv("ND");
		execl(usn, "usn", "record", "--run", run, "--on-failure-of", fd, "--write", path,
		      "--", device, (char *)NULL);
	}
	dprintf(STDERR_FILENO, "%s: %s\n", usn, strerror(errno));
	_exit(1);
}

/* By a child that ends at once, so that it is an orphan. */
static int spawn(const char *device, const char *path, const int run[2], int out, int pidfd)
{
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (!pid) {
		pid = fork();
		if (!pid) {
			close(run[1]);
			exec_recorder(device, path, run[0], out, pidfd);
		}
		_exit(pid < 0);
	}
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return 0;
}

/* "recording DEVICE, ...", or what is wrong; then it closes its end. */
static int wait_ready(int in, struct usn_err *e)
{
	char line[300];
	size_t n = 0;
	ssize_t got;

	while (n < sizeof(line) - 1 && ((got = read(in, line + n, sizeof(line) - 1 - n)) > 0 ||
					(got < 0 && errno == EINTR)))
		n += got > 0 ? (size_t)got : 0;
	line[n] = '\0';
	line[strcspn(line, "\n")] = '\0';
	if (!strncmp(line, "recording ", 10))
		return 0;
	return usn_fail(e, EIO, "no recorder: %s", *line ? line : "it ended before it was ready");
}

int recorder_prepare(const char *device, const char *path, struct recorder *ret, struct usn_err *e)
{
	_cleanup_close_ int pidfd = pidfd_of(getpid());
	int run[2], said[2], r;

	if (pidfd < 0)
		return usn_fail_errno(e, -pidfd, "cannot start the recorder: pidfd_open");
	if (pipe2(run, O_CLOEXEC) < 0)
		return usn_fail_errno(e, errno, "cannot start the recorder: pipe");
	if (pipe2(said, O_CLOEXEC) < 0) {
		r = -errno;
		close(run[0]);
		close(run[1]);
		return usn_fail_errno(e, -r, "cannot start the recorder: pipe");
	}
	r = spawn(device, path, run, said[1], pidfd);
	close(run[0]);
	close(said[1]);
	*ret = (struct recorder){ .run_fd = run[1], .said_fd = said[0] };
	if (r >= 0)
		return 0;
	recorder_done(ret);
	return usn_fail_errno(e, -r, "cannot start the recorder: fork");
}

int recorder_start(struct recorder *rec, const char *run, struct usn_err *e)
{
	if (write(rec->run_fd, run, strlen(run)) != (ssize_t)strlen(run))
		return usn_fail_errno(e, errno, "cannot start the recorder");
	rec->run_fd = close_fd(rec->run_fd);
	return wait_ready(rec->said_fd, e);
}

void recorder_done(struct recorder *rec)
{
	rec->run_fd = close_fd(rec->run_fd);
	rec->said_fd = close_fd(rec->said_fd);
}
