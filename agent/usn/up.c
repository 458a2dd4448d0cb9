// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* usn up */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/parse.h"
#include "client/client.h"
#include "usn/verb.h"

/* Each warning is about the host, so once is enough for all devices. */
static void print_warnings(const json_t *reply)
{
	const json_t *w;
	size_t i;

	json_array_foreach(json_object_get(reply, "warnings"), i, w)
		fprintf(stderr, "usn up: warning: %s\n", client_text(w));
}

static int up_one(struct client *c, const char *device, json_t *settings, int quiet,
		  struct usn_err *e)
{
	json_t *reply;
	int r = client_call(c, "Up",
			    json_pack("{s:s, s:O}", "device", device, "settings", settings), &reply,
			    NULL, e);

	if (r < 0)
		return r;
	if (!quiet)
		print_warnings(reply);
	json_decref(reply);
	return 0;
}

/*
 * Settings are what has a '='; the rest must be devices, all of them, before the first one is made.
 */
static int sort_words(int argc, char **argv, json_t *settings, struct usn_err *e)
{
	uint32_t number;
	int i, devices = 0;

	for (i = 0; i < argc; i++) {
		if (strchr(argv[i], '=')) {
			if (json_array_append_new(settings, json_string(argv[i])))
				return usage_error(e, "'%.80s' is not UTF-8", argv[i]);
		} else if (parse_device(argv[i], &number, e) < 0) {
			return -EINVAL;
		} else {
			devices++;
		}
	}
	return devices ? 0 : usage_error(e, "which device?");
}

static int run(int argc, char **argv, struct usn_err *e)
{
	static const struct option none[] = { { 0 } };
	_cleanup_(client_freep) struct client *c = NULL;
	json_t *settings = json_array();
	int i, r, quiet = 0;

	opterr = 0;
	if (getopt_long(argc, argv, "", none, NULL) != -1)
		r = bad_option(argv, e);
	else
		r = sort_words(argc - optind, argv + optind, settings, e);
	if (r >= 0)
		r = client_open(&c, e);
	for (i = optind; i < argc && r >= 0; i++) {
		if (strchr(argv[i], '='))
			continue;
		r = up_one(c, argv[i], settings, quiet, e);
		quiet = 1;
	}
	json_decref(settings);
	return r;
}

static const char details[] =
	"  Address=ADDRESS/LEN  an address of the device, repeatable; without one usnN has\n"
	"                       10.(64+N/256).(N mod 256).1/24 and fd75:736e:0:N::1/64\n"
	"  MTU=BYTES            largest packet, 68 to 65535 (IPv6 needs 1280); 1500\n"
	"  Peer=none|echo       what is behind it while it has no rig: nothing, or something\n"
	"                       that answers ping and UDP port 7 for the device's networks\n"
	"  Except=RULE          what its runs may reach past it, see usn-run(1);\n"
	"                       loopback is exempt anyway; an empty value clears all\n"
	"  DNS=ADDRESS[,ADDRESS]  the name servers that its runs ask, through the device,\n"
	"                       whatever server a program would ask; an empty value clears\n"
	"  Ambient=no|yes       whether ND=DEVICE in the environment of any process may name it,\n"
	"                       see usn ambient\n"
	"\n"
	"/etc/usn/DEVICE.conf is read first, if it is there; the command line wins.\n"
	"\n"
	"  usn up usn0 Peer=echo\n"
	"  usn up usn1 Address=192.0.2.1/24 MTU=1400";

const struct verb verb_up = {
	.name = "up",
	.arguments = "DEVICE... [KEY=VALUE]...",
	.summary = "make devices and take them up",
	.details = details,
	.run = run,
};
