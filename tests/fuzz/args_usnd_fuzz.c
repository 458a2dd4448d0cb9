// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Any command line of usnd, a word a line: it is taken, or refused with a line that says why. */
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "output.h"
#include "words.h"

static jmp_buf end_of_program;

int main_of_usnd(int argc, char **argv);

/* --help and --version end the program. */
#define exit(status) longjmp(end_of_program, 1 + (status))
#define main main_of_usnd
#include "usnd/main.c"
#undef main
#undef exit

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *argv[WORDS_MAX + 1];
	int argc = words_take(&data, &size, "usnd", argv);
	struct options options = { 0 };
	volatile int r = -EINVAL, ended = 1;
	struct output o;

	output_keep(&o);
	if (!setjmp(end_of_program)) {
		r = parse_options(argc, argv, &options);
		ended = 0;
	}
	output_end(&o);
	/* Either there is nothing to say, or there is. */
	demand((ended || r) == (*o.text != 0));
	words_free(argv);
	free(o.text);
	return 0;
}
