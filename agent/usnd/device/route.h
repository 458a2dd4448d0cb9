/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Routes and rules around the devices.
 *
 * A bound socket needs none for IPv4, and for IPv6 a default route that loses to every other. What
 * is bound to nothing are the kernel's own answers to packets that came in by a device: a reset, an
 * ICMP error, an echo reply. They go by their source, an address of the device's: a rule for each
 * of those leads to a table of the device's own, which holds a default route by the device, and one
 * that drops when the device is down.
 */
#ifndef USN_ROUTE_H
#define USN_ROUTE_H

#include <stdbool.h>
#include <stdint.h>

#include "usnd/device/settings.h"

struct netlink;
struct usn_err;

/* The device's own table: "usn" and two digits of its number. */
#define ROUTE_TABLE(number) (0x75736e00u + (number))

/*
 * What stands as long as there are devices. For IPv6 a "throw" default route that is better than
 * the devices' own, and worse than any other: on a host without a default route theirs would serve
 * everybody. And a rule that spares look-ups with other sources the rules of the devices.
 */
int route_frame(struct netlink *nl, bool on, struct usn_err *e);

/*
 * The rules for the addresses of a device, and the routes that drop. Those that are there already
 * stay.
 */
int route_rules(struct netlink *nl, uint32_t number, const struct settings *s, struct usn_err *e);

/* Removes what route_rules() made; what is not there is no error. */
void route_rules_end(struct netlink *nl, uint32_t number);

/*
 * Appends the default routes of a device to a request: in the main table for IPv6, and in its own.
 */
void route_put_defaults(struct netlink *nl, uint16_t flags, uint32_t ifindex, uint32_t number,
			const struct settings *s);

#endif
