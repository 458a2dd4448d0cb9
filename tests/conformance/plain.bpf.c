// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* All that `ip vrf exec` and systemd's BindNetworkInterface= do: a new socket gets the number of one interface. */
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

const volatile __u32 ifindex;

SEC("cgroup/sock_create")
int plain_sock_create(struct bpf_sock *sk)
{
	sk->bound_dev_if = ifindex;
	return 1;
}

char _license[] SEC("license") = "Dual BSD/GPL";
