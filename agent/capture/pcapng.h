/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Writes captures as pcapng (draft-ietf-opsawg-pcapng): raw IP packets with nanoseconds, direction,
 * state of the checksum, process and thread, and the number of packets lost before each.
 *
 * Blocks are collected in a buffer and reach the kernel whole, when it is full or when it is
 * flushed: once per batch is right for a tail. After an error the writer can still say how many
 * packets are out, and what is not out stays in the buffer, so that a later flush goes on where
 * this one ended. All functions return 0 or -errno.
 */
#ifndef USN_PCAPNG_H
#define USN_PCAPNG_H

#include <stdbool.h>
#include <stdint.h>

#define PCAPNG_TEXT_MAX 4096 /* bytes of a name or a description */
#define PCAPNG_PACKET_MAX \
	(16U * 1024 * 1024) /* captured bytes; readers refuse much larger blocks */

struct pcapng;

struct pcapng_packet {
	uint32_t interface; /* from pcapng_interface() */
	uint64_t real_ns;   /* CLOCK_REALTIME, ns since the epoch */
	const void *data;   /* from the network header on */
	uint32_t caplen;
	uint32_t len;
	uint8_t direction; /* USN_DIR_*, 0: unknown */
	uint8_t flags;     /* USN_PACKET_* */
	uint32_t pid;      /* 0: owner unknown */
	uint32_t tid;
	uint64_t id;      /* of its own in the capture, 0: none */
	uint64_t dropped; /* packets of this interface lost since its preceding one */
	bool has_verdict;
	int64_t verdict; /* TC_ACT_*, what a tc program decided on it */
};

struct pcapng_process {
	uint32_t pid;
	uint32_t parent;     /* its process id, 0: unknown */
	uint32_t uid;        /* UINT32_MAX: unknown */
	uint64_t start_ns;   /* as real_ns, 0: unknown */
	const char *name;    /* the command; bytes that are not UTF-8 become question marks */
	const char *path;    /* of the program, NULL: unknown */
	const char *comment; /* NULL: none */
};

struct pcapng_statistics {
	uint32_t interface;
	uint64_t start_ns; /* as real_ns */
	uint64_t end_ns;
	uint64_t received; /* that the filter let through */
	uint64_t dropped;
	uint64_t delivered; /* are in the file */
};

/*
 * Begins a section for the program named application (NULL: not said). The descriptor stays the
 * caller's. Nothing is written before the first flush.
 */
int pcapng_open(int fd, const char *application, struct pcapng **ret);

/* Frees the writer; what was not flushed is lost. Returns NULL. */
struct pcapng *pcapng_free(struct pcapng *w);

static inline void pcapng_freep(struct pcapng **w)
{
	pcapng_free(*w);
}

/*
 * Adds an interface before its first packet.
 * snaplen 0: no limit; description and filter may be NULL.
 */
int pcapng_interface(struct pcapng *w, const char *name, const char *description,
		     const char *filter, uint32_t snaplen, uint32_t *ret_interface);

/*
 * Says who a process is, by Wireshark's custom block of that kind.
 * Readers look a packet's process up by its pid and start_ns;
 * without that, the last block of its pid is the one that counts. -EINVAL: a text is too long.
 */
int pcapng_process(struct pcapng *w, const struct pcapng_process *p);

/*
 * -EINVAL: no such interface, or caplen > len; -EMSGSIZE: too large. Else only a full buffer's
 * flush fails.
 */
int pcapng_packet(struct pcapng *w, const struct pcapng_packet *p);

/*
 * The interface's totals so far: at the end of a capture, or at any time.
 * -EINVAL: no such interface.
 */
int pcapng_statistics(struct pcapng *w, const struct pcapng_statistics *s);

/*
 * Hands the buffered blocks to the kernel. When a regular file takes only a part of them (ENOSPC),
 * the block that was begun is cut off again, so that the file ends with a whole one. Writing to a
 * closed pipe raises SIGPIPE unless the caller ignores it, then it is -EPIPE.
 */
int pcapng_flush(struct pcapng *w);

/* Bytes of all blocks so far, also of those that are still in the buffer. */
uint64_t pcapng_size(const struct pcapng *w);

/* Packets whose blocks the kernel has taken whole. */
uint64_t pcapng_written(const struct pcapng *w);

#endif
