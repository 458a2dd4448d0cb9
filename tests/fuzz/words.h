/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* For fuzzers of command lines: the input as words, each behind a line's end. */
#ifndef USN_FUZZ_WORDS_H
#define USN_FUZZ_WORDS_H

#include "fuzz.h"

#define WORDS_MAX 24

/*
 * The words up to a NUL, each of a memory of its own, with NULL behind the last. first: the name of
 * the program or of the verb.
 */
static inline int words_take(const uint8_t **data, size_t *size, const char *first, char *argv[])
{
	char *text = take_string(data, size), *rest = text, *word;
	int argc = 0;

	argv[argc++] = strdup(first);
	while (argc < WORDS_MAX && rest && *rest) {
		word = strsep(&rest, "\n");
		argv[argc++] = strdup(word);
	}
	argv[argc] = NULL;
	free(text);
	return argc;
}

/* getopt_long(3) may have changed the order. */
static inline void words_free(char *argv[])
{
	for (; *argv; argv++)
		free(*argv);
}

#endif
