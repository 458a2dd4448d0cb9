// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The peer behind a device. */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <usn/abi.h>

#include "base/cleanup.h"
#include "usnd/behind/behind.h"
#include "usnd/behind/echo.h"
#include "usnd/behind/peer.h"
#include "usnd/os/tun.h"

/* Packets a turn: other devices and callers of the agent wait meanwhile. */
#define TURN 64

struct peer {
	const char *name;
	int (*start)(struct behind *b); /* 0 or -errno */
	void (*stop)(struct behind *b);
	/* Takes a packet from the queue, and may change it in place; NULL: all are dropped. */
	void (*packet)(struct behind *b, uint8_t *packet, size_t len);
};

/* One packet at a time in the whole agent; as long as a packet of IP can be. */
static uint8_t packet[65536];

static void stop_reading(struct behind *b)
{
	loop_forget(b->loop, &b->queue);
}

static void queue_ready(struct source *s, uint32_t events)
{
	struct behind *b = SOURCE_OWNER(s, struct behind, queue);
	int i;

	(void)events;
	for (i = 0; i < TURN; i++) {
		ssize_t n = tun_read(b->queue.fd, packet, sizeof(packet));

		if (n == -EAGAIN || n == -EINTR)
			return;
		/* EBADFD: the device is gone; the watch tells who else must know. */
		if (n < 0) {
			peer_stop(b);
			return;
		}
		b->peer_read++;
		if (b->peer->packet)
			b->peer->packet(b, packet, (size_t)n);
	}
}

static int start_reading(struct behind *b)
{
	b->queue.ready = queue_ready;
	return loop_watch(b->loop, &b->queue, EPOLLIN);
}

static void echo_packet(struct behind *b, uint8_t *request, size_t len)
{
	len = echo_reply(request, len, b->addresses, b->n_addresses);
	if (!len)
		return;
	if (write(b->queue.fd, request, len) == (ssize_t)len)
		b->peer_answered++;
	else
		b->peer_failed++;
}

static const struct peer peers[] = {
	[USN_PEER_NONE] = { "none", start_reading, stop_reading, NULL },
	[USN_PEER_ECHO] = { "echo", start_reading, stop_reading, echo_packet },
};

const struct peer *peer_get(uint32_t peer)
{
	return &peers[peer < ARRAY_SIZE(peers) ? peer : USN_PEER_NONE];
}

const char *peer_name(uint32_t peer)
{
	return peer < ARRAY_SIZE(peers) ? peers[peer].name : "unknown";
}

int peer_find(const char *name, uint32_t *ret)
{
	uint32_t i;

	for (i = 0; i < ARRAY_SIZE(peers); i++) {
		if (!strcmp(name, peers[i].name)) {
			*ret = i;
			return 0;
		}
	}
	return -ENOENT;
}

const char *peer_names(char list[WORDS_SIZE])
{
	size_t i;

	*list = '\0';
	for (i = 0; i < ARRAY_SIZE(peers); i++)
		words_add(list, peers[i].name, i, ARRAY_SIZE(peers), "or");
	return list;
}

int peer_start(struct behind *b)
{
	return b->peer->start(b);
}

void peer_stop(struct behind *b)
{
	if (b->peer)
		b->peer->stop(b);
}
