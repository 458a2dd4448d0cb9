/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The parameters that several methods have: the device that a call names. */
#ifndef USN_PARAMETERS_H
#define USN_PARAMETERS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct caller;
struct device;
struct usn_err;

/* The number of the device, which need not be there. Who may use it is not asked. */
int get_number(const json_t *parameters, uint32_t *ret, struct usn_err *e);

/* The device that the call names, if the caller may use it. there: its interface has to be, too. */
int get_device(struct caller *c, const json_t *parameters, bool there, struct device **ret,
	       struct usn_err *e);

/* The same by the device's name. */
int get_device_named(struct caller *c, const char *name, bool there, struct device **ret,
		     struct usn_err *e);

#endif
