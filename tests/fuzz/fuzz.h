/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What every fuzzer has: its entry, and a condition that ends it when it is false. */
#ifndef USN_FUZZ_H
#define USN_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define demand(condition) demand_at((condition), #condition, __FILE__, __LINE__)

static inline void demand_at(int condition, const char *text, const char *file, int line)
{
	if (condition)
		return;
	/* Not by stderr, which may be the memory that a tool writes to. */
	dprintf(STDERR_FILENO, "%s:%d: not so: %s\n", file, line, text);
	abort();
}

/* What is left of the input, as far as its first NUL, as a string; malloced. */
static inline char *take_string(const uint8_t **data, size_t *size)
{
	size_t n = strnlen((const char *)*data, *size), used = n < *size ? n + 1 : n;
	char *text = strndup((const char *)*data, n);

	demand(text != NULL);
	*data += used;
	*size -= used;
	return text;
}

#endif
