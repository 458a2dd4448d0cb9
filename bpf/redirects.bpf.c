// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Drops the ICMP redirects that a rig sends to the host, on the ingress of each device.
 *
 * accept_redirects 0 of an interface turns them off for IPv6. For IPv4 the kernel takes them as
 * long as net.ipv4.conf.all.accept_redirects is 1, which is the usual value (IN_DEV_RX_REDIRECTS,
 * include/linux/inetdevice.h), and that setting is the host's own. A redirect whose source is the
 * host's router changes the way of the host's packets on other interfaces.
 */
#include "vmlinux.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "compiler.bpf.h"
#include "context.bpf.h"

#define ICMP_REDIRECT 5 /* RFC 792 */
#define TC_ACT_SHOT 2   /* linux/pkt_cls.h */
#define OFFSET_HIGH \
	0x1f /* of the fragment's offset in the byte that begins with the flags, RFC 791 */

/* Bytes of the IPv4 header, RFC 791. */
enum { LENGTH = 0, OFFSET = 6, PROTOCOL = 9, HEAD };

SEC("tc")
int usn_redirects(struct __sk_buff *skb)
{
	__u8 head[HEAD], type;

	if (CTX_READ(skb, protocol) != bpf_htons(ETH_P_IP) ||
	    bpf_skb_load_bytes_relative(skb, 0, head, sizeof(head), BPF_HDR_START_NET) < 0)
		return TCX_NEXT;
	/* Later fragments have no ICMP header, and the first one always has its first 8 bytes. */
	if (head[PROTOCOL] != IPPROTO_ICMP || head[OFFSET] & OFFSET_HIGH || head[OFFSET + 1])
		return TCX_NEXT;
	if (bpf_skb_load_bytes_relative(skb, (head[LENGTH] & 15) * 4, &type, sizeof(type),
					BPF_HDR_START_NET) < 0)
		return TCX_NEXT;
	/* The kernel counts it: tc -s qdisc show dev usn0. */
	return type == ICMP_REDIRECT ? TC_ACT_SHOT : TCX_NEXT;
}

char _license[] SEC("license") = "Dual BSD/GPL";
