/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The queue of a device, over restarts of the agent: who has it, and to whom it is lent. */
#ifndef USN_QUEUE_H
#define USN_QUEUE_H

#include <stdint.h>
#include <sys/types.h>

struct behind;
struct usn_err;

/* Has the service manager keep the queue, if there is a manager. */
void queue_keep(const struct behind *b);
void queue_unkeep(const struct behind *b);

/* The queue of a device that exists: as it was kept, or free, or a rig's; then also the rig. */
int queue_get(struct behind *b, struct usn_err *e);

/* Has the peer of this number read the queue; while there is a rig, the peer stands aside. */
int queue_serve(struct behind *b, uint32_t peer, struct usn_err *e);

/* Lends the queue to a rig, known by pidfd (taken): until it ends, the peer stands aside. */
int queue_lend(struct behind *b, pid_t pid, int pidfd, struct usn_err *e);

/* Closes what is open of the queue and the rig. What is kept stays kept. */
void queue_close(struct behind *b);

#endif
