// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The least that any launcher must do: make a cgroup below argv[1], enter it, exec argv[2]... */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char path[4096];
	int fd;

	if (argc < 3)
		return 125;
	snprintf(path, sizeof(path), "%s/least-%d", argv[1], getpid());
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/least-%d/cgroup.procs", argv[1], getpid());
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "0", 1) != 1) {
		perror(path);
		return 125;
	}
	execvp(argv[2], argv + 2);
	return 127;
}
