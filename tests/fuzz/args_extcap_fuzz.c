// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Any call of Wireshark's, a word a line. What is refused says why, in one line; the command line
 * that a capture becomes is one that usn tail reads as it was meant.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "usn/tail/options.h"
#include "fuzz.h"
#include "output.h"
#include "words.h"

#include "usn-extcap/capture.c"
#include "usn-extcap/config.c"
#include "usn-extcap/interface.c"
/* Each file has an array of this name. */
#define longs longs_of_extcap
#include "usn-extcap/options.c"
#undef longs

static void check_taken(const struct extcap_options *o, const struct tail_options *t)
{
	const char *device = interface_device(o->interface);

	demand(!strcmp(t->sink.file, o->fifo) && !t->sink.as_json && !t->wanted);
	demand(strcmp(device, "all") ? t->n_devices == 1 && !strcmp(t->devices[0], device)
				     : !t->n_devices);
	demand(!o->filter || !*o->filter ? !t->filter : !strcmp(t->filter, o->filter));
	demand(!o->set[SET_COMM] || !strcmp(t->tap.comm, o->set[SET_COMM]));
	demand(!o->set[SET_RUN] || !strcmp(t->tap.cgroup, o->set[SET_RUN]));
}

static void check_capture(const struct extcap_options *o)
{
	const char *words[2 * N_SETTINGS + 8];
	int argc = tail_words(o, words), r;
	struct tail_options t;
	struct usn_err e;

	demand(argc < (int)ARRAY_SIZE(words) && !words[argc]);
	optind = 0;
	r = tail_options_parse(argc, (char **)words, OPTIONS_OF_TAIL, &t, &e);
	demand(!r || r == -EINVAL);
	if (!r)
		check_taken(o, &t);
	tail_options_free(&t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *argv[WORDS_MAX + 1];
	int argc = words_take(&data, &size, "usn-extcap", argv), r;
	struct extcap_options x;
	struct usn_err e = { 0 };
	struct output o;

	output_keep(&o);
	r = options_parse(argc, argv, &x, &e);
	check_reason(r, &e);
	if (!r && x.call == CALL_CAPTURE)
		check_capture(&x);
	if (!r && x.call == CALL_CONFIG)
		config_list();
	output_end(&o);
	words_free(argv);
	free(o.text);
	return 0;
}
