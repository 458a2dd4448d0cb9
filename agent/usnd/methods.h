/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the files of the methods share. */
#ifndef USN_METHODS_H
#define USN_METHODS_H

#include <jansson.h>
#include <stdbool.h>

struct caller;
struct device;
struct usn_err;

/* The device that the call names, if the caller may use it. there: its interface has to be, too. */
int get_device(struct caller *c, const json_t *parameters, bool there, struct device **ret,
	       struct usn_err *e);

/* The same by the device's name. */
int get_device_named(struct caller *c, const char *name, bool there, struct device **ret,
		     struct usn_err *e);

/* The methods of taps that the agent opens; see struct method. */
int method_tap(struct caller *c, const json_t *parameters, json_t **ret, int *ret_fd,
	       struct usn_err *e);
int method_tap_map(struct caller *c, const json_t *parameters, json_t **ret, int *ret_fd,
		   struct usn_err *e);
int method_tap_add(struct caller *c, const json_t *parameters, json_t **ret, int *ret_fd,
		   struct usn_err *e);
int method_tap_link(struct caller *c, const json_t *parameters, json_t **ret, int *ret_fd,
		    struct usn_err *e);

#endif
