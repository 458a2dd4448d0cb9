/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel's types that the BPF programs use, by hand: the contexts come from the UAPI, and of the
 * kernel's own structures only what is read stands here (CO-RE finds the offsets on the running kernel).
 */
#ifndef USN_VMLINUX_H
#define USN_VMLINUX_H

#include <linux/bpf.h>
#include <linux/types.h>

#define AF_INET 2
#define AF_INET6 10
#define SOCK_STREAM 1
#define SOCK_RAW 3
#define SOL_SOCKET 1
#define SO_BINDTODEVICE 25
#define SO_BINDTOIFINDEX 62
#define IPPROTO_IP 0
#define IPPROTO_ICMP 1
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define IPPROTO_IPV6 41
#define IPPROTO_ICMPV6 58
#define IPPROTO_UDPLITE 136
#define IPPROTO_MPTCP 262
#define IP_ADD_MEMBERSHIP 35
#define IP_DROP_MEMBERSHIP 36
#define IP_ADD_SOURCE_MEMBERSHIP 39
#define IPV6_ADD_MEMBERSHIP 20
#define IPV6_DROP_MEMBERSHIP 21
#define IPV6_JOIN_ANYCAST 27
#define IPV6_LEAVE_ANYCAST 28
#define MCAST_JOIN_GROUP 42
#define MCAST_MSFILTER 48
#define ETH_P_IP 0x0800
#define LOOPBACK_IFINDEX 1

struct mm_struct {
	unsigned long env_start, env_end; /* where exec put the environment */
} __attribute__((preserve_access_index));

struct css_set;

struct task_struct {
	struct mm_struct *mm; /* NULL: a thread of the kernel */
	struct css_set *cgroups;
	__u64 start_time;
	__u32 self_exec_id;
} __attribute__((preserve_access_index));

typedef struct {
	__s64 counter;
} atomic64_t;

struct sock_common {
	atomic64_t skc_cookie;
} __attribute__((preserve_access_index));

struct kernfs_node {
	__u64 id;
} __attribute__((preserve_access_index));

/* As it is since Linux 6.1. */
struct cgroup {
	struct kernfs_node *kn;
	int level;
	struct cgroup *ancestors[]; /* level + 1 of them, the last is itself */
} __attribute__((preserve_access_index));

/* As it was before. */
struct cgroup___before_6_1 {
	int level;
	__u64 ancestor_ids[]; /* level + 1 of them, the last is its own */
} __attribute__((preserve_access_index));

struct css_set {
	struct cgroup *dfl_cgrp; /* in the tree of cgroup v2 */
} __attribute__((preserve_access_index));

struct sock_cgroup_data {
	struct cgroup *cgroup;
} __attribute__((preserve_access_index));

struct sock {
	struct sock_common __sk_common;
	struct sock_cgroup_data sk_cgrp_data;
} __attribute__((preserve_access_index));

struct sk_buff {
	__u8 ip_summed : 2;
} __attribute__((preserve_access_index));

/* include/uapi/linux/bpf.h of 6.6: "this program has nothing to say, ask the next one". */
#define TCX_NEXT -1

#endif
