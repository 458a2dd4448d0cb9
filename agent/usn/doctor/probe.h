/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the kernel's BPF can do, found out by doing it. Each gives 0 or -errno,
 * and closes what it has made.
 * Versions are not looked at: distributions put features of newer kernels into older ones.
 */
#ifndef USN_DOCTOR_PROBE_H
#define USN_DOCTOR_PROBE_H

#include <linux/bpf.h>

/* Where the agent attaches its programs. */
struct hook {
	const char *name; /* as the section of the program */
	enum bpf_prog_type type;
	enum bpf_attach_type attach;
};

#define N_HOOKS 13
extern const struct hook hooks[N_HOOKS];

int probe_bpf(void);
int probe_btf(void);

/* A program for this hook. */
int probe_hook(const struct hook *h);

/*
 * Links are created to what is no cgroup and no device:
 * a kernel that knows them says EBADF or ENODEV to that, and one that does not, EINVAL.
 * So none is attached, and nobody's sockets and packets pass by it.
 */
int probe_cgroup_link(void);
int probe_tcx(void);

/*
 * A filter on the clsact qdisc, tried on the loopback of a network
 * namespace that ends with the try.
 */
int probe_clsact(void);

int probe_lpm_trie(void);
int probe_mapped_array(void);
int probe_ring_buffer(void);

int probe_kfuncs(void);

/* In programs of cgroups. */
int probe_socket_storage(void);
int probe_task_storage(void);

#endif
