/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* All that "ip vrf exec" and systemd's BindNetworkInterface= do: a device number for every new socket. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

const volatile __u32 device;

SEC("cgroup/sock_create")
int plain_sock_create(struct bpf_sock *sk)
{
	sk->bound_dev_if = device;
	return 1;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
