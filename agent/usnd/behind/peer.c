// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The peer behind a device. */
#include <errno.h>
#include <stddef.h>
#include <unistd.h>

#include "usnd/agent.h"
#include "usnd/behind/echo.h"
#include "usnd/behind/peer.h"
#include "usnd/device/device.h"
#include "usnd/os/tun.h"

/* Packets a turn: others of the agent's devices and callers wait meanwhile. */
#define TURN 64

/* One packet at a time in the whole agent. */
static uint8_t packet[MTU_MAX + 1];

static void answer(struct device *d, size_t len)
{
	len = echo_reply(packet, len, d->settings.addresses, d->settings.n_addresses);
	if (!len)
		return;
	if (write(d->queue.fd, packet, len) == (ssize_t)len)
		d->peer_answered++;
	else
		d->peer_failed++;
}

static void peer_ready(struct source *s, uint32_t events)
{
	struct device *d = SOURCE_OWNER(s, struct device, queue);
	int i;

	(void)events;
	for (i = 0; i < TURN; i++) {
		ssize_t n = tun_read(d->queue.fd, packet, sizeof(packet));

		if (n == -EAGAIN || n == -EINTR)
			return;
		/* EBADFD: the device is gone; the watch tells who else must know. */
		if (n < 0) {
			peer_stop(d);
			return;
		}
		d->peer_read++;
		if (d->settings.peer == USN_PEER_ECHO)
			answer(d, (size_t)n);
	}
}

int peer_start(struct device *d)
{
	d->queue.ready = peer_ready;
	return loop_watch(&d->agent->loop, &d->queue, EPOLLIN);
}

void peer_stop(struct device *d)
{
	loop_forget(&d->agent->loop, &d->queue);
}
