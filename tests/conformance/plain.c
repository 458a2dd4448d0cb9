// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Binds the new sockets of a cgroup to a device by plain.bpf.c, as long as the cgroup lives.
 *
 *     plain attach DEVICE CGROUP    again: in place of the program that is there
 */
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "plain.skel.h"

static int attach(struct plain_bpf *skel, unsigned int ifindex, const char *cgroup)
{
	int fd = open(cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	skel->rodata->ifindex = ifindex;
	if (plain_bpf__load(skel))
		return -1;
	/* Not by a link: that would end with this process. */
	return bpf_prog_attach(bpf_program__fd(skel->progs.plain_sock_create), fd,
			       BPF_CGROUP_INET_SOCK_CREATE, 0);
}

int main(int argc, char **argv)
{
	struct plain_bpf *skel;
	unsigned int ifindex;

	if (argc != 4 || strcmp(argv[1], "attach")) {
		fputs("usage: plain attach DEVICE CGROUP\n", stderr);
		return 2;
	}
	ifindex = if_nametoindex(argv[2]);
	if (!ifindex) {
		perror(argv[2]);
		return 1;
	}
	skel = plain_bpf__open();
	if (!skel || attach(skel, ifindex, argv[3])) {
		perror("plain");
		plain_bpf__destroy(skel);
		return 1;
	}
	plain_bpf__destroy(skel);
	return 0;
}
