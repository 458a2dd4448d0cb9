/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What Wireshark asks for: one of its calls, and what the user has set in its dialog. */
#ifndef USN_EXTCAP_OPTIONS_H
#define USN_EXTCAP_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

struct usn_err;

enum call {
	CALL_NONE, /* the version alone, or a filter to check */
	CALL_HELP,
	CALL_VERSION,
	CALL_INTERFACES,
	CALL_DLTS,
	CALL_CONFIG,
	CALL_CAPTURE,
};

/* The options of usn tail that the dialog has. The order is the dialog's. */
enum setting {
	SET_SNAPLEN,
	SET_DIRECTION,
	SET_PID,
	SET_COMM,
	SET_RUN,
	SET_RING,
	SET_IMMEDIATE,
	N_SETTINGS,
};

struct extcap_options {
	enum call call;
	bool version;          /* Wireshark told its own, and wants ours */
	const char *interface; /* as interface_device() takes it */
	const char *fifo;
	const char *filter;
	const char *set[N_SETTINGS]; /* NULL: not set */
};

extern const char options_text[]; /* for the usage */

/* -EINVAL: wrong usage, with the reason. */
int options_parse(int argc, char **argv, struct extcap_options *o, struct usn_err *e);

#endif
