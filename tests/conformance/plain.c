/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The least tool that runs a program on a device: plain DEVICE CGROUP COMMAND [ARGUMENT]...
 *
 * CGROUP is an empty one, made by the caller. The attachment ends with it.
 */
#include <fcntl.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "plain.skel.h"

static _Noreturn __attribute__((format(printf, 1, 2))) void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("plain: ", stderr);
	vfprintf(stderr, format, args);
	fputs("\n", stderr);
	va_end(args);
	exit(125);
}

static void attach(unsigned int device, int cgroup_fd)
{
	struct plain_bpf *skel = plain_bpf__open();

	if (!skel)
		die("cannot open the program: %m");
	skel->rodata->device = device;
	if (plain_bpf__load(skel) < 0)
		die("cannot load the program: %m");
	if (bpf_prog_attach(bpf_program__fd(skel->progs.plain_sock_create), cgroup_fd,
			    BPF_CGROUP_INET_SOCK_CREATE, BPF_F_ALLOW_MULTI) < 0)
		die("cannot attach the program: %m");
	plain_bpf__destroy(skel);
}

static void enter(int cgroup_fd)
{
	int fd = openat(cgroup_fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, "0", 1) != 1)
		die("cannot enter the cgroup: %m");
	close(fd);
}

int main(int argc, char **argv)
{
	unsigned int device;
	int cgroup_fd;

	if (argc < 4)
		die("usage: plain DEVICE CGROUP COMMAND [ARGUMENT]...");
	device = if_nametoindex(argv[1]);
	if (!device)
		die("there is no device '%s'", argv[1]);
	cgroup_fd = open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (cgroup_fd < 0)
		die("%s: %m", argv[2]);
	attach(device, cgroup_fd);
	enter(cgroup_fd);
	execvp(argv[3], argv + 3);
	die("%s: %m", argv[3]);
}
