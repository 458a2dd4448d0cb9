/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the BPF programs and user space share: map keys and values, the ring record, the counters.
 *
 * Everything here is pinned or crosses a ring buffer, so it outlives the program that wrote it: no
 * enums or bit-fields in structs, padding is explicit, sizes are asserted, and USN_ABI_VERSION
 * changes whenever a layout does. Integers are in host byte order.
 */
#ifndef USN_ABI_H
#define USN_ABI_H

#ifndef __BPF__
#include <linux/types.h>
#endif

#define USN_ABI_VERSION 6

#define USN_NAME_SIZE 16 /* IFNAMSIZ: a device name with its NUL */
#define USN_COMM_SIZE 16 /* TASK_COMM_LEN */

#define USN_DEVICES_MAX 4096   /* usn0 ... usn4095 */
#define USN_BINDINGS_MAX 16384 /* live runs and bound units */
#define USN_NEWBORNS 32768     /* sockets that nobody asked about yet, a power of two */
#define USN_DNS_MAX 3          /* name servers, as many as resolv.conf(5) takes */

/* bindings: cgroup id (u64) -> the device that new sockets of that cgroup are bound to. */
struct usn_binding {
	char device[USN_NAME_SIZE];
	__u32 ifindex; /* 0: the device is gone, refuse */
	__u32 number;  /* N of usnN, the key into counters */
	/* The ifindex means another device in another network namespace: refuse there. */
	__u64 netns_cookie;
	__u32 flags;   /* USN_BIND_* */
	__u32 ruleset; /* exemptions, the key into rules; 0: none */
	/* Name servers in network order, IPv4 as ::ffff:a.b.c.d; behind the last one: 0. */
	__u32 dns[USN_DNS_MAX][4];
};

#define USN_BIND_LOOPBACK 1   /* loopback is exempt */
#define USN_BIND_LOCAL 2      /* the host's own addresses are exempt, USN_RULESET_LOCAL */
#define USN_BIND_GUARD 4      /* a packet that leaves by another device is dropped */
#define USN_BIND_DNS 8        /* queries go to dns, whatever server was asked */
#define USN_DEVICE_AMBIENT 16 /* of usn_device: ND= of any process may name it */

/*
 * rules: the exemptions, by longest prefix. IPv4 addresses stand as ::ffff:a.b.c.d. The entry of a
 * prefix holds the ports of all rules that cover it, so that one lookup finds everything there is.
 */
struct usn_rule_key {
	__u32 prefixlen; /* bits that count: 32 of the ruleset, and those of the address */
	__u32 ruleset;
	__u32 addr[4]; /* network order */
};

#define USN_RULESET_LOCAL 1 /* kept by the agent as addresses come and go */
#define USN_RULES_MAX 64    /* rules a run can have */

struct usn_ports {
	__u16 first; /* host order; 0 to 65535: all, also of protocols that have none */
	__u16 last;
	__u8 protocol; /* IPPROTO_TCP, IPPROTO_UDP; 0: any */
	__u8 reserved[3];
};

struct usn_rule {
	__u32 n;
	struct usn_ports ports[USN_RULES_MAX];
};

/* devices: N of usnN (u32) -> what the agent must know after a restart. */
struct usn_device {
	char name[USN_NAME_SIZE];
	__u32 ifindex;
	__u32 peer; /* USN_PEER_* */
	__u64 netns_cookie;
	/* Exemptions of its runs that say nothing else. */
	__u32 flags;   /* USN_BIND_LOOPBACK, USN_BIND_LOCAL, USN_BIND_DNS, USN_DEVICE_AMBIENT */
	__u32 ruleset; /* 0: none */
	__u32 dns[USN_DNS_MAX][4];
};

#define USN_PEER_NONE 0
#define USN_PEER_ECHO 1

/* counters: N of usnN (u32), per CPU -> how often each verdict was given. */
struct usn_counters {
	/* Sockets bound at creation. */
	__u64 bound;
	/* Sockets to be bound at connect or bind: the kernel could not unbind them. */
	__u64 deferred;
	/* Sockets left alone: a cgroup further in had bound them. */
	__u64 kept;
	/* Sockets bound again, at connect or bind to a foreign address. */
	__u64 rebound;
	/* Sockets unbound, at connect or bind to an exempt address. */
	__u64 exempted;
	/* Queries led to the run's own name server. */
	__u64 asked;
	/* Sockets refused: the device is gone. */
	__u64 refused_device;
	/* Sockets refused: made in another network namespace. */
	__u64 refused_netns;
	/* Connects and binds refused: the kernel would not (un)bind. */
	__u64 refused_rebind;
	/* SO_BINDTODEVICE, SO_BINDTOIFINDEX and groups on other devices refused. */
	__u64 refused_option;
	/* Datagrams refused: from an unbound socket to a foreign address. */
	__u64 refused_send;
	/* Queries refused: the run has no name server of that address family. */
	__u64 refused_dns;
	/* Packets dropped: of an unbound socket, leaving by another device. */
	__u64 dropped_unbound;
	/* Packets dropped: of a bound socket, leaving by another device. */
	__u64 dropped_strayed;
};

/* Who made a socket. owners (socket storage) and newborns (array) hold it; see bpf/owner.bpf.h. */
struct usn_owner {
	__u64 cookie; /* of the socket; 0: the entry is empty or being written */
	__u64 cgroup_id;
	__u32 pid; /* process (thread group) */
	__u32 tid; /* thread */
	char comm[USN_COMM_SIZE];
	__u64 reserved;
};

/*
 * Ambient mode. ambient_devices: device name (USN_NAME_SIZE) -> struct usn_binding of its sockets.
 * ambient_sockets (socket storage): the device that a socket was bound to by ND.
 */
struct usn_ambient {
	char device[USN_NAME_SIZE];
};

/* seen (task storage), or seen_lru by thread id: what the environment said, until the next exec. */
struct usn_seen {
	/* Of the task, as the kernel has it: tells a thread id that was given again. */
	__u64 start_time;
	__u32 exec_id; /* counts execs */
	__u32 answer;  /* USN_ND_* */
	char device[USN_NAME_SIZE];
};

#define USN_ND_UNSEEN 0
#define USN_ND_NONE 1       /* there is no ND */
#define USN_ND_NAMED 2      /* device has its value, as far as it can be a name */
#define USN_ND_UNREADABLE 3 /* the environment could not be read, so nobody knows */

/* ambient_counters, per CPU, one entry: sockets refused that belong to no device. */
struct usn_ambient_counters {
	__u64 refused_unknown;    /* ND names no device that is up and ambient */
	__u64 refused_unreadable; /* the environment could not be read */
	__u64 dropped_gone;       /* packets dropped: the device of their socket is gone */
};

/* asked (socket storage): the name server that a socket asked, and the one that answers instead. */
struct usn_asked {
	__u32 asked[4]; /* network order, IPv4 mapped */
	__u32 server[4];
};

/*
 * A tap's ring, as mapped: a page of the reader's, the counts of what was lost, and the data in
 * chunks of one size, 2 to USN_RING_CHUNKS of them. A chunk is filled from its beginning;
 * then the writers go on in the one that the reader gave back last.
 * Records lie in one piece, and each chunk ends with a slot of length 0.
 *
 * Where the next record goes is a word of the writers' of:
 * the offset in the chunk, in units of 8 bytes; the chunk; how many chunks were begun before;
 * and a bit per chunk that changes when the writers take it. The reader has such bits (u64,
 * USN_RING_FREED), which it changes to give a chunk back: it is free where both agree. The number
 * of the last one is above them. And it has the place that it waits at (u64, USN_RING_READ).
 *
 * What found no room is counted for all devices together (u64, USN_RING_LOST) and for each (u64
 * by slot, USN_RING_LOSSES).
 */
#define USN_SNAPLEN_MAX 65535 /* bytes kept of a packet */
#define USN_RING_CHUNKS 8
#define USN_RING_FREED 0
#define USN_RING_READ 8
#define USN_RING_LOST 4096 /* packets that found no room so far (u64) */
#define USN_RING_LOSSES 8192
#define USN_RING_DATA (USN_RING_LOSSES + 8 * USN_DEVICES_MAX)
#define USN_RING_SLACK \
	(66 << 10) /* behind the last chunk, and never used: the verifier does not count */

#define USN_RING_CHUNK_SHIFT 24
#define USN_RING_TURN_SHIFT 27
#define USN_RING_TAKEN_SHIFT 56
#define USN_RING_LAST_SHIFT 8 /* of USN_RING_FREED: the chunk that was given back last */
/* All but the bits per chunk: what a place is, and no other will be. */
#define USN_RING_PLACE ((1ULL << USN_RING_TAKEN_SHIFT) - 1)

struct usn_slot {
	__u64 seal;   /* the place, XOR the tap's secret: what is behind it is whole */
	__u32 length; /* bytes to the next slot, a multiple of 8; 0: it is in another chunk */
	__u32 next;   /* that chunk */
};

/* Whose packet it is. 0 of each: unknown, or there is none. */
struct usn_packet_owner {
	__u64 cgroup_id;
	__u64 cookie; /* of the socket */
	__u32 pid;    /* process (thread group) */
	__u32 tid;    /* thread */
	char comm[USN_COMM_SIZE];
};

/* One packet in a tap's ring; caplen bytes, from the network header on, follow it. */
struct usn_record {
	__u64 mono_ns; /* CLOCK_MONOTONIC, ns */
	__u64 lost;    /* packets of this device that the tap had lost when this one was seen */
#ifndef __cplusplus
	union {
		struct usn_packet_owner owner;
		/* The same, without its name. C++ has no struct without one. */
		struct {
#endif
			__u64 cgroup_id;
			__u64 cookie;
			__u32 pid;
			__u32 tid;
			char comm[USN_COMM_SIZE];
#ifndef __cplusplus
		};
	};
#endif
	__u32 ifindex;
	__u32 len;      /* of the packet, bytes */
	__u32 caplen;   /* bytes that follow */
	__u16 protocol; /* ETH_P_*, host order */
	__u8 direction; /* USN_DIR_* */
	__u8 flags;     /* USN_PACKET_* */
	__u16 gso_size; /* bytes of payload in each packet that it will be cut into; 0: it is one */
	__u16 gso_segs; /* how many those are */
	__u32 reserved;
};

#define USN_PACKET_CHECKSUM_OPEN 1 /* the transport's checksum is not computed yet */
#define USN_PACKET_CHECKSUM_GOOD 2 /* it was found to be good */
#define USN_PACKET_GSO 4           /* to be cut up, see gso_size */

#define USN_DIR_IN 1  /* from the rig to the host */
#define USN_DIR_OUT 2 /* from the host to the rig */

/* C++ has another word for it, and the same sizes. */
#ifndef __cplusplus
_Static_assert(sizeof(struct usn_binding) == 88, "usn_binding is pinned");
_Static_assert(sizeof(struct usn_device) == 88, "usn_device is pinned");
_Static_assert(sizeof(struct usn_counters) == 112, "usn_counters is pinned");
_Static_assert(sizeof(struct usn_rule_key) == 24, "usn_rule_key is pinned");
_Static_assert(sizeof(struct usn_rule) == 516, "usn_rule is pinned");
_Static_assert(sizeof(struct usn_owner) == 48, "usn_owner is pinned");
_Static_assert(sizeof(struct usn_ambient) == 16, "usn_ambient is pinned");
_Static_assert(sizeof(struct usn_seen) == 32, "usn_seen is pinned");
_Static_assert(sizeof(struct usn_ambient_counters) == 24, "usn_ambient_counters is pinned");
_Static_assert(sizeof(struct usn_asked) == 32, "usn_asked is pinned");
_Static_assert(sizeof(struct usn_packet_owner) == 40, "usn_packet_owner is part of usn_record");
_Static_assert(sizeof(struct usn_slot) == 16, "usn_slot is mapped");
_Static_assert(sizeof(struct usn_record) == 80, "usn_record crosses the ring");
#endif

#endif
