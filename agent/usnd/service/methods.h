/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The methods of io.usn; see struct method. */
#ifndef USN_METHODS_H
#define USN_METHODS_H

#include "usnd/service/call.h"

/* All of them; behind the last is one without a name. */
extern const struct method methods[];

/* Devices. */
int method_up(struct call *call, struct usn_err *e);
int method_down(struct call *call, struct usn_err *e);
int method_list(struct call *call, struct usn_err *e);
int method_rig(struct call *call, struct usn_err *e);

/* Runs, and what is bound like one. */
int method_run(struct call *call, struct usn_err *e);
int method_bind(struct call *call, struct usn_err *e);
int method_unbind(struct call *call, struct usn_err *e);
int method_ambient(struct call *call, struct usn_err *e);

/* Taps that the agent opens. A connection has one tap, and a call one descriptor. */
int method_tap(struct call *call, struct usn_err *e);
int method_tap_map(struct call *call, struct usn_err *e);
int method_tap_add(struct call *call, struct usn_err *e);
int method_tap_link(struct call *call, struct usn_err *e);

#endif
