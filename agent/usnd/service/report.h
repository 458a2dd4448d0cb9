/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the agent tells of a device and its runs: the type Device of io.usn. */
#ifndef USN_REPORT_H
#define USN_REPORT_H

#include <jansson.h>
#include <stdbool.h>

struct agent;
struct device;
struct dns;
struct usn_err;

/* 0: *ret is a new object. all: the sockets of its runs are looked at, too. */
int report_device(struct device *d, bool all, json_t **ret, struct usn_err *e);

/* Ambient mode, as the answer of its method. */
json_t *report_ambient(const struct agent *a);

/* A list of addresses. */
json_t *report_dns(const struct dns *dns);

#endif
