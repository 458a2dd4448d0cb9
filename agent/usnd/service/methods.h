/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The methods of io.usn. */
#ifndef USN_METHODS_H
#define USN_METHODS_H

#include <jansson.h>

#include "usnd/service/service.h"

struct usn_err;

/* All of them; behind the last is one without a name. */
extern const struct method methods[];

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
