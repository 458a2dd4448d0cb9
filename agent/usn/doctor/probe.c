// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the kernel's BPF can do: small programs and maps, made and thrown away. */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/insn.h"
#include "usn/doctor/probe.h"

#define BTF_PATH "/sys/kernel/btf/vmlinux"
#define ATTACH_TCX_INGRESS 46 /* enum bpf_attach_type of 6.6, which older headers lack */
#define LICENSE "Dual BSD/GPL"
#define LOOPBACK 1 /* the interface, in each network namespace */

#define SOCK BPF_PROG_TYPE_CGROUP_SOCK
#define ADDR BPF_PROG_TYPE_CGROUP_SOCK_ADDR

const struct hook hooks[N_HOOKS] = {
	{ "cgroup/sock_create", SOCK, BPF_CGROUP_INET_SOCK_CREATE },
	{ "cgroup/connect4", ADDR, BPF_CGROUP_INET4_CONNECT },
	{ "cgroup/connect6", ADDR, BPF_CGROUP_INET6_CONNECT },
	{ "cgroup/bind4", ADDR, BPF_CGROUP_INET4_BIND },
	{ "cgroup/bind6", ADDR, BPF_CGROUP_INET6_BIND },
	{ "cgroup/sendmsg4", ADDR, BPF_CGROUP_UDP4_SENDMSG },
	{ "cgroup/sendmsg6", ADDR, BPF_CGROUP_UDP6_SENDMSG },
	{ "cgroup/recvmsg4", ADDR, BPF_CGROUP_UDP4_RECVMSG },
	{ "cgroup/recvmsg6", ADDR, BPF_CGROUP_UDP6_RECVMSG },
	{ "cgroup/getpeername4", ADDR, BPF_CGROUP_INET4_GETPEERNAME },
	{ "cgroup/getpeername6", ADDR, BPF_CGROUP_INET6_GETPEERNAME },
	{ "cgroup/setsockopt", BPF_PROG_TYPE_CGROUP_SOCKOPT, BPF_CGROUP_SETSOCKOPT },
	{ "cgroup_skb/egress", BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_EGRESS },
};

/* A descriptor or -errno. */
static int load(enum bpf_prog_type type, enum bpf_attach_type attach, const struct bpf_insn *insns,
		size_t n)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = attach);

	return bpf_prog_load(type, "usn_doctor", LICENSE, insns, n, &opts);
}

/* A program that lets everything pass. */
static int load_pass(enum bpf_prog_type type, enum bpf_attach_type attach)
{
	const struct bpf_insn insns[] = { SET(BPF_REG_0, 1), EXIT };

	return load(type, attach, insns, ARRAY_SIZE(insns));
}

static int done(int fd)
{
	if (fd < 0)
		return fd;
	close_fd(fd);
	return 0;
}

int probe_bpf(void)
{
	return done(load_pass(BPF_PROG_TYPE_SOCKET_FILTER, 0));
}

int probe_btf(void)
{
	struct btf *btf = btf__parse(BTF_PATH, NULL);

	if (!btf)
		return -errno;
	btf__free(btf);
	return 0;
}

int probe_hook(const struct hook *h)
{
	return done(load_pass(h->type, h->attach));
}

int probe_cgroup_link(void)
{
	_cleanup_close_ int fd = load_pass(BPF_PROG_TYPE_CGROUP_SOCK, BPF_CGROUP_INET_SOCK_CREATE);
	int r;

	if (fd < 0)
		return fd;
	/* A program is no cgroup. */
	r = done(bpf_link_create(fd, fd, BPF_CGROUP_INET_SOCK_CREATE, NULL));
	return r == -EBADF ? 0 : r;
}

int probe_tcx(void)
{
	_cleanup_close_ int fd = load_pass(BPF_PROG_TYPE_SCHED_CLS, 0);
	int r;

	if (fd < 0)
		return fd;
	r = done(bpf_link_create(fd, INT_MAX, (enum bpf_attach_type)ATTACH_TCX_INGRESS, NULL));
	return r == -ENODEV ? 0 : r;
}

/* In a process of its own: the namespace goes with it, and with that all that was made there. */
static int try_clsact(void)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = LOOPBACK, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = 1, .priority = 1,
		    .prog_fd = load_pass(BPF_PROG_TYPE_SCHED_CLS, 0));
	int r;

	if (opts.prog_fd < 0)
		return opts.prog_fd;
	/* Without CAP_SYS_ADMIN, which usn can do without, as the root of a user namespace. */
	if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return -errno;
	r = bpf_tc_hook_create(&hook);
	return r < 0 ? r : bpf_tc_attach(&hook, &opts);
}

int probe_clsact(void)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		return -errno;
	if (!pid)
		_exit(-try_clsact());
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EINTR;
}

int probe_lpm_trie(void)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_NO_PREALLOC);

	return done(bpf_map_create(BPF_MAP_TYPE_LPM_TRIE, "usn_doctor", 20, 8, 1, &opts));
}

int probe_mapped_array(void)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	_cleanup_close_ int fd =
		bpf_map_create(BPF_MAP_TYPE_ARRAY, "usn_doctor", 4, 4096, 1, &opts);
	void *memory;

	if (fd < 0)
		return fd;
	memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		return -errno;
	munmap(memory, 4096);
	return 0;
}

int probe_ring_buffer(void)
{
	/* Whole pages, and a power of two. */
	return done(bpf_map_create(BPF_MAP_TYPE_RINGBUF, "usn_doctor", 0, 0,
				   (__u32)sysconf(_SC_PAGESIZE), NULL));
}

/* As the tap's programs call them, on what they have in hand. */
static int call_kfuncs(const struct btf *btf)
{
	int cast = btf__find_by_name_kind(btf, "bpf_cast_to_kern_ctx", BTF_KIND_FUNC);
	int rdonly = btf__find_by_name_kind(btf, "bpf_rdonly_cast", BTF_KIND_FUNC);
	int sock = btf__find_by_name_kind(btf, "sock", BTF_KIND_STRUCT);
	const struct bpf_insn insns[] = {
		CALL_KFUNC(cast),   COPY(BPF_REG_1, BPF_REG_0), SET(BPF_REG_2, sock),
		CALL_KFUNC(rdonly), SET(BPF_REG_0, 0),          EXIT,
	};

	if (cast < 0 || rdonly < 0 || sock < 0)
		return -ENOENT;
	return done(load(BPF_PROG_TYPE_SCHED_CLS, 0, insns, ARRAY_SIZE(insns)));
}

int probe_kfuncs(void)
{
	struct btf *btf = btf__parse(BTF_PATH, NULL);
	int r;

	if (!btf)
		return -errno;
	r = call_kfuncs(btf);
	btf__free(btf);
	return r;
}

/* A map beside sockets or threads, which the kernel wants to know the types of. */
static int create_storage(enum bpf_map_type type, __u32 flags)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = flags);
	struct btf *btf = btf__new_empty();
	int r;

	if (!btf)
		return -errno;
	r = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	opts.btf_key_type_id = opts.btf_value_type_id = (__u32)r;
	if (r >= 0)
		r = btf__load_into_kernel(btf);
	opts.btf_fd = (__u32)btf__fd(btf);
	if (r >= 0)
		r = bpf_map_create(type, "usn_doctor", 4, 4, 0, &opts);
	btf__free(btf);
	return r;
}

int probe_socket_storage(void)
{
	_cleanup_close_ int map =
		create_storage(BPF_MAP_TYPE_SK_STORAGE, BPF_F_NO_PREALLOC | BPF_F_CLONE);
	const struct bpf_insn insns[] = {
		COPY(BPF_REG_2, BPF_REG_1),
		SET_MAP(BPF_REG_1, map),
		SET(BPF_REG_3, 0),
		SET(BPF_REG_4, BPF_SK_STORAGE_GET_F_CREATE),
		CALL(BPF_FUNC_sk_storage_get),
		SET(BPF_REG_0, 1),
		EXIT,
	};

	if (map < 0)
		return map;
	return done(load(BPF_PROG_TYPE_CGROUP_SOCK, BPF_CGROUP_INET_SOCK_CREATE, insns,
			 ARRAY_SIZE(insns)));
}

int probe_task_storage(void)
{
	_cleanup_close_ int map = create_storage(BPF_MAP_TYPE_TASK_STORAGE, BPF_F_NO_PREALLOC);
	const struct bpf_insn insns[] = {
		CALL(BPF_FUNC_get_current_task_btf),
		COPY(BPF_REG_2, BPF_REG_0),
		SET_MAP(BPF_REG_1, map),
		SET(BPF_REG_3, 0),
		SET(BPF_REG_4, BPF_LOCAL_STORAGE_GET_F_CREATE),
		CALL(BPF_FUNC_task_storage_get),
		SET(BPF_REG_0, 1),
		EXIT,
	};

	if (map < 0)
		return map;
	return done(load(BPF_PROG_TYPE_CGROUP_SOCK, BPF_CGROUP_INET_SOCK_CREATE, insns,
			 ARRAY_SIZE(insns)));
}
