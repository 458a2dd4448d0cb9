/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Exemptions in the map rules: written for a run or a device, read back by a later agent. */
#ifndef USN_RULESET_H
#define USN_RULESET_H

#include <stdint.h>

#include "base/exempt.h"

struct agent;
struct usn_err;

/* Enters the rules of x as a new set. *ret_id is 0 if there are none. */
int ruleset_add(struct agent *a, const struct exempt *x, uint32_t *ret_id, struct usn_err *e);

/* Adds the rules of a set to x; 0 has none. */
int ruleset_read(struct agent *a, uint32_t id, struct exempt *x, struct usn_err *e);

void ruleset_remove(struct agent *a, uint32_t id);

/*
 * Makes USN_RULESET_LOCAL the host's addresses as they are now, without those of usn's own devices.
 */
int ruleset_follow_addresses(struct agent *a, struct usn_err *e);

/* Removes the sets that nobody uses: what an agent that was killed left half done. */
void rulesets_sweep(struct agent *a);

#endif
