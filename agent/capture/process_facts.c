// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Processes, by proc(5). */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "capture/process_facts.h"

/* The file's text, cut to what fits; false: there is none. */
static bool read_text(int dir_fd, const char *name, char *ret, size_t size)
{
	_cleanup_close_ int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, ret, size - 1);

	if (n <= 0)
		return false;
	ret[n] = '\0';
	return true;
}

/*
 * proc_pid_stat(5): "4711 (ping) S 4700 ...". The name may have parentheses, the rest has none.
 * Times are in ticks since the machine's start, rounded down.
 */
static bool read_stat(int dir_fd, char ret_comm[USN_COMM_SIZE], struct process_facts *f)
{
	char text[1024], *name, *end;
	unsigned long long ticks;

	if (!read_text(dir_fd, "stat", text, sizeof(text)))
		return false;
	name = strchr(text, '(');
	end = strrchr(text, ')');
	if (!name || !end ||
	    sscanf(end + 1,
		   " %*c %" SCNu32
		   " %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
		   "%*s %llu",
		   &f->parent, &ticks) != 2)
		return false;
	*end = '\0';
	snprintf(ret_comm, USN_COMM_SIZE, "%s", name + 1);
	f->start_ns = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_BOOTTIME) +
		      ticks * (NS_PER_S / (uint64_t)sysconf(_SC_CLK_TCK));
	return true;
}

/* A socket's owner has the name of the thread that made it. */
static bool is_thread(int dir_fd, const struct usn_record *rec)
{
	char name[32], comm[USN_COMM_SIZE + 1];

	snprintf(name, sizeof(name), "task/%" PRIu32 "/comm", rec->tid);
	if (!read_text(dir_fd, name, comm, sizeof(comm)))
		return false;
	comm[strcspn(comm, "\n")] = '\0';
	return !strncmp(comm, rec->comm, USN_COMM_SIZE);
}

static bool is_owner(int dir_fd, const struct usn_record *rec, uint64_t real_ns,
		     struct process_facts *f)
{
	char comm[USN_COMM_SIZE];

	return read_stat(dir_fd, comm, f) && f->start_ns <= real_ns &&
	       (!strncmp(comm, rec->comm, USN_COMM_SIZE) || is_thread(dir_fd, rec));
}

/* The number behind "Uid:" is the real user's. */
static uint32_t read_uid(int dir_fd)
{
	char text[2048], *line;
	uint32_t uid;

	if (!read_text(dir_fd, "status", text, sizeof(text)))
		return UINT32_MAX;
	line = strstr(text, "\nUid:");
	return line && sscanf(line, "\nUid: %" SCNu32, &uid) == 1 ? uid : UINT32_MAX;
}

/* The line of the v2 tree is "0::/path". On hybrid hosts it is one of several. */
static void read_cgroup(int dir_fd, char *ret, size_t size)
{
	static const char begin[] = "\n0::";
	char text[PATH_MAX + 1024] = "\n", *line;

	if (!read_text(dir_fd, "cgroup", text + 1, sizeof(text) - 1))
		return;
	line = strstr(text, begin);
	if (!line)
		return;
	line += strlen(begin);
	line[strcspn(line, "\n")] = '\0';
	snprintf(ret, size, "%.*s", (int)size - 1, line);
}

void process_facts_get(const struct usn_record *rec, uint64_t real_ns, struct process_facts *ret)
{
	_cleanup_close_ int fd = -1;
	char dir[32];
	ssize_t n;

	*ret = (struct process_facts){ .uid = UINT32_MAX };
	snprintf(dir, sizeof(dir), "/proc/%" PRIu32, rec->pid);
	fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (!is_owner(fd, rec, real_ns, ret)) {
		*ret = (struct process_facts){ .uid = UINT32_MAX };
		return;
	}
	ret->uid = read_uid(fd);
	n = readlinkat(fd, "exe", ret->path, sizeof(ret->path) - 1);
	ret->path[n < 0 ? 0 : n] = '\0';
	read_cgroup(fd, ret->cgroup, sizeof(ret->cgroup));
}
