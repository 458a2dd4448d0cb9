// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A tap: one subscriber's packets of one device, each with the nanosecond and the owner.
 *
 * Every tap loads these programs for itself, with its own ring and its own constants. They never change
 * a packet or its way: whatever happens here, the next program is asked.
 */
#include "vmlinux.h"

#include <stdbool.h>
#include <stddef.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "maps.bpf.h"
#include "owner.bpf.h"

/* What the subscriber chose; set before loading. */
const volatile __u32 snaplen = 65535;    /* bytes kept of a packet */
const volatile __u32 wake_bytes = 65536; /* unread bytes at which the reader is woken */

/* Records lost so far because the ring was full. */
__u64 lost;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 << 20);
} ring SEC(".maps");

static __always_inline void owner_write(struct usn_record *r, const struct usn_owner *o)
{
	r->cgroup_id = o->cgroup_id;
	r->pid = o->pid;
	r->tid = o->tid;
	__builtin_memcpy(r->comm, o->comm, sizeof(r->comm));
}

static __always_inline void owner_unknown(struct usn_record *r)
{
	r->cgroup_id = 0;
	r->pid = 0;
	r->tid = 0;
	__builtin_memset(r->comm, 0, sizeof(r->comm));
}

/* The first packet that a tap sees of a socket moves its owner into the socket's storage. */
static __always_inline void owner_read(struct usn_record *r, struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;
	struct usn_owner *o, newborn;

	if (sk)
		sk = bpf_sk_fullsock(sk);
	if (!sk)
		return owner_unknown(r);
	o = bpf_sk_storage_get(&owners, sk, NULL, 0);
	if (o)
		return owner_write(r, o);
	if (!owner_of_newborn(bpf_get_socket_cookie(skb), &newborn))
		return owner_unknown(r);
	owner_write(r, &newborn);
	bpf_sk_storage_get(&owners, sk, &newborn, BPF_SK_STORAGE_GET_F_CREATE);
}

static __always_inline __u64 wake_flags(void)
{
	return bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) >= wake_bytes ? BPF_RB_FORCE_WAKEUP
									 : BPF_RB_NO_WAKEUP;
}

/* room is a power of two and a constant: bpf_ringbuf_reserve and the verifier insist. */
static __always_inline void capture(struct __sk_buff *skb, __u8 direction, __u32 caplen,
				    const __u32 room)
{
	struct usn_record *r = bpf_ringbuf_reserve(&ring, sizeof(*r) + room, 0);

	if (!r) {
		__sync_fetch_and_add(&lost, 1);
		return;
	}
	r->mono_ns = bpf_ktime_get_ns();
	r->lost = lost;
	owner_read(r, skb);
	r->cookie = bpf_get_socket_cookie(skb);
	r->ifindex = skb->ifindex;
	r->len = skb->len;
	r->protocol = bpf_ntohs(skb->protocol);
	r->direction = direction;
	r->reserved = 0;
	/* 1 <= caplen <= room; the mask shows it to the verifier. */
	caplen = ((caplen - 1) & (room - 1)) + 1;
	r->caplen = bpf_skb_load_bytes(skb, 0, r + 1, caplen) ? 0 : caplen;
	bpf_ringbuf_submit(r, wake_flags());
}

static __always_inline int tap(struct __sk_buff *skb, __u8 direction)
{
	__u32 caplen = skb->len < snaplen ? skb->len : snaplen;

	if (!caplen)
		return TCX_NEXT;
	if (caplen <= 128)
		capture(skb, direction, caplen, 128);
	else if (caplen <= 512)
		capture(skb, direction, caplen, 512);
	else if (caplen <= 2048)
		capture(skb, direction, caplen, 2048);
	else
		capture(skb, direction, caplen, 65536);
	return TCX_NEXT;
}

SEC("tc")
int usn_tap_in(struct __sk_buff *skb)
{
	return tap(skb, USN_DIR_IN);
}

SEC("tc")
int usn_tap_out(struct __sk_buff *skb)
{
	return tap(skb, USN_DIR_OUT);
}

char _license[] SEC("license") = "Dual BSD/GPL";
