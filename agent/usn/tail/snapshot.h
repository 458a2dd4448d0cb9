/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A history as a pcapng file, and what was in it. */
#ifndef USN_SNAPSHOT_H
#define USN_SNAPSHOT_H

#include <stdint.h>
#include <usn.h>

#include "capture/history.h"
#include "capture/sink.h"
#include "usn/tail/devices.h"

/* It crosses the recorder's socket. */
struct snapshot {
	uint64_t packets;
	uint64_t forgotten; /* packets that were recorded, and had to make room */
	uint64_t lost;      /* packets that the recorder did not keep up with */
	/*
	 * Of the first packet and the last, CLOCK_REALTIME, ns since the epoch; 0: there is none.
	 */
	uint64_t first_ns, last_ns;
};

/* o: of a file. */
int snapshot_write(const struct history *h, const struct tail_devices *d, const struct usn_tap *t,
		   const struct sink_options *o, struct snapshot *ret, struct usn_err *e);

#define SNAPSHOT_TEXT_SIZE 256

/* "N packets from TIME to TIME; N forgotten, N lost"; returns buf. */
const char *snapshot_text(const struct snapshot *s, char buf[SNAPSHOT_TEXT_SIZE]);

#endif
