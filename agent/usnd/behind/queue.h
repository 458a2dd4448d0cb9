/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The queue of a device, over restarts of the agent: who has it, and to whom it is lent. */
#ifndef USN_QUEUE_H
#define USN_QUEUE_H

#include <sys/types.h>

struct device;
struct usn_err;

/* Has the service manager keep the queue, if there is a manager. */
void queue_keep(const struct device *d);
void queue_unkeep(const struct device *d);

/* The queue of a device that exists: as it was kept, or free, or a rig's; then also the rig. */
int queue_get(struct device *d, struct usn_err *e);

/* Lends the queue to a rig, known by pidfd (taken): until it ends, the peer stands aside. */
int queue_lend(struct device *d, pid_t pid, int pidfd, struct usn_err *e);

#endif
