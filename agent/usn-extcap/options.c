// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The calls and the options of usn-extcap, as a table. */
#include <getopt.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/parse.h"
#include "usn-extcap/interface.h"
#include "usn-extcap/options.h"
#include "usn/verb.h"

const char options_text[] =
	"Wireshark calls it, in one of these ways:\n"
	"  --extcap-interfaces         the devices that are up\n"
	"  --extcap-dlts               the link type of an interface\n"
	"  --extcap-config             the options of an interface\n"
	"  --capture                   write the packets of an interface, as pcapng\n"
	"with\n"
	"  --extcap-version=V          the version of Wireshark\n"
	"  --extcap-interface=NAME     one that was listed: usn_usn0, usn_all\n"
	"  --extcap-capture-filter=EXPR  an expression of pcap-filter(7);\n"
	"                              without --capture it is checked\n"
	"  --fifo=FIFO                 where the packets go\n"
	"and, of usn tail,\n"
	"  --snaplen=N, --direction=D, --pid=PID, --comm=NAME, --run=RUN, --ring=N, --immediate\n"
	"  --help\n"
	"  --version\n";

/* What getopt_long(3) returns for each, beside the calls and the settings. */
enum {
	OPT_WIRESHARK = 'V',
	OPT_INTERFACE,
	OPT_FIFO,
	OPT_FILTER,
	FIRST_CALL = 1000,
	FIRST_SET = 2000
};

#define WORD(name, value)                      \
	{                                      \
		name, no_argument, NULL, value \
	}
#define VALUE(name, value)                           \
	{                                            \
		name, required_argument, NULL, value \
	}

static const struct option longs[] = {
	WORD("help", FIRST_CALL + CALL_HELP),
	WORD("version", FIRST_CALL + CALL_VERSION),
	WORD("extcap-interfaces", FIRST_CALL + CALL_INTERFACES),
	WORD("extcap-dlts", FIRST_CALL + CALL_DLTS),
	WORD("extcap-config", FIRST_CALL + CALL_CONFIG),
	WORD("capture", FIRST_CALL + CALL_CAPTURE),
	{ "extcap-version", optional_argument, NULL, OPT_WIRESHARK },
	VALUE("extcap-interface", OPT_INTERFACE),
	VALUE("extcap-capture-filter", OPT_FILTER),
	VALUE("fifo", OPT_FIFO),
	VALUE("snaplen", FIRST_SET + SET_SNAPLEN),
	VALUE("direction", FIRST_SET + SET_DIRECTION),
	VALUE("pid", FIRST_SET + SET_PID),
	VALUE("comm", FIRST_SET + SET_COMM),
	VALUE("run", FIRST_SET + SET_RUN),
	VALUE("ring", FIRST_SET + SET_RING),
	WORD("immediate", FIRST_SET + SET_IMMEDIATE),
	{ 0 },
};

static int take_call(struct extcap_options *o, enum call call, struct usn_err *e)
{
	if (o->call != CALL_NONE)
		return usage_error(e, "one call at a time");
	o->call = call;
	return 0;
}

static int take(struct extcap_options *o, int c, char **argv, struct usn_err *e)
{
	switch (c) {
	case OPT_WIRESHARK:
		o->version = true;
		return 0;
	case OPT_INTERFACE:
		o->interface = optarg;
		return 0;
	case OPT_FILTER:
		o->filter = optarg;
		return 0;
	case OPT_FIFO:
		o->fifo = optarg;
		return 0;
	}
	if (c >= FIRST_SET) {
		/* A field that was left empty is not set. */
		o->set[c - FIRST_SET] = !optarg ? "" : *optarg ? optarg : NULL;
		return 0;
	}
	if (c >= FIRST_CALL)
		return take_call(o, (enum call)(c - FIRST_CALL), e);
	return bad_option(argv, e);
}

static int check(const struct extcap_options *o, struct usn_err *e)
{
	bool of_interface =
		o->call == CALL_DLTS || o->call == CALL_CONFIG || o->call == CALL_CAPTURE;
	struct usn_err no;
	uint32_t number;

	if (o->call == CALL_NONE && !o->version && !o->filter)
		return usage_error(e, "this is for Wireshark to call");
	if (of_interface && !o->interface)
		return usage_error(e, "which interface? --extcap-interface=NAME");
	if (o->interface && !interface_device(o->interface))
		return usage_error(e, "there is no interface '%.40s'", o->interface);
	if (o->call == CALL_CAPTURE && (!o->fifo || !*o->fifo))
		return usage_error(e, "--capture needs --fifo=FIFO");
	/* usn tail would take it for one more device. */
	if (o->call == CALL_CAPTURE && o->filter && parse_device(o->filter, &number, &no) >= 0)
		return usage_error(e, "'%s' is a device, and no filter", o->filter);
	return 0;
}

int options_parse(int argc, char **argv, struct extcap_options *o, struct usn_err *e)
{
	int c, r = 0;

	*o = (struct extcap_options){ .call = CALL_NONE };
	opterr = 0;
	while (r >= 0 && (c = getopt_long(argc, argv, "", longs, NULL)) != -1)
		r = take(o, c, argv, e);
	if (r >= 0 && optind < argc)
		r = usage_error(e, "unexpected '%.40s'", argv[optind]);
	return r < 0 ? r : check(o, e);
}
