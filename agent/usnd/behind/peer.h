/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is behind a device while it has no rig: nothing (packets are drained and counted), or an echo. */
#ifndef USN_PEER_H
#define USN_PEER_H

struct device;

/* Starts and stops reading the device's queue. 0 or -errno. */
int peer_start(struct device *d);
void peer_stop(struct device *d);

#endif
