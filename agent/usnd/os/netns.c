// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The cookie of a network namespace. Sockets tell it since Linux 5.14, and BPF programs of cgroups
 * get it since 5.7, so that on the kernels between a program has to be asked: it is put on the
 * cgroup tree as long as it takes to make one socket, and notes the namespace of each under the
 * cookie of the socket, so that whoever else makes one does not matter.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/cgroup2.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/insn.h"
#include "base/netns.h"
#include "usnd/os/netns.h"

#define NOTES 1024 /* sockets that others make meanwhile; the oldest note goes first */

static int load_asker(int map_fd)
{
	const struct bpf_insn insns[] = {
		/*
		 * r6 = the socket; fp-8 = bpf_get_socket_cookie(r6); fp-16 =
		 * bpf_get_netns_cookie(r6)
		 */
		COPY(BPF_REG_6, BPF_REG_1),
		CALL(BPF_FUNC_get_socket_cookie),
		STORE(-8, BPF_REG_0),
		COPY(BPF_REG_1, BPF_REG_6),
		CALL(BPF_FUNC_get_netns_cookie),
		STORE(-16, BPF_REG_0),
		/* bpf_map_update_elem(map, fp-8, fp-16, BPF_ANY) */
		SET_MAP(BPF_REG_1, map_fd),
		COPY(BPF_REG_2, BPF_REG_10),
		ADD(BPF_REG_2, -8),
		COPY(BPF_REG_3, BPF_REG_10),
		ADD(BPF_REG_3, -16),
		SET(BPF_REG_4, BPF_ANY),
		CALL(BPF_FUNC_map_update_elem),
		/* The socket is allowed. */
		SET(BPF_REG_0, 1),
		EXIT,
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_CGROUP_INET_SOCK_CREATE);

	return bpf_prog_load(BPF_PROG_TYPE_CGROUP_SOCK, "usn_netns", "Dual BSD/GPL", insns,
			     ARRAY_SIZE(insns), &opts);
}

/* While the program is attached. */
static int ask_by_socket(int map_fd, uint64_t *ret)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(uint64_t);
	uint64_t socket_cookie;

	if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_COOKIE, &socket_cookie, &len) < 0)
		return -errno;
	return bpf_map_lookup_elem(map_fd, &socket_cookie, ret);
}

static int ask_program(int cgroup_fd, uint64_t *ret)
{
	_cleanup_close_ int map_fd =
		bpf_map_create(BPF_MAP_TYPE_LRU_HASH, "usn_netns", sizeof(uint64_t),
			       sizeof(uint64_t), NOTES, NULL);
	_cleanup_close_ int prog_fd = map_fd < 0 ? -1 : load_asker(map_fd), link_fd = -1;

	if (map_fd < 0)
		return map_fd;
	if (prog_fd < 0)
		return prog_fd;
	link_fd = bpf_link_create(prog_fd, cgroup_fd, BPF_CGROUP_INET_SOCK_CREATE, NULL);
	return link_fd < 0 ? link_fd : ask_by_socket(map_fd, ret);
}

int netns_cookie(uint64_t *ret, struct usn_err *e)
{
	_cleanup_close_ int cgroup_fd = -1;
	_cleanup_free_ char *path = NULL;
	int r = netns_cookie_of_socket(ret);

	if (r >= 0)
		return 0;
	if (r != -ENOPROTOOPT)
		return usn_fail_errno(e, -r, "cannot tell the network namespace");
	r = cgroup_open_root(&cgroup_fd, &path, e);
	if (r < 0)
		return r;
	r = ask_program(cgroup_fd, ret);
	return r < 0 ? usn_fail_errno(e, -r, "cannot tell the network namespace by a BPF program")
		     : 0;
}
