/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Lists of words as people write them: "a", "a or b", "a, b or c". */
#ifndef USN_WORDS_H
#define USN_WORDS_H

#include <stddef.h>

#define WORDS_SIZE 256

/* Appends word i of n to a list that starts as "". What does not fit is cut off. */
void words_add(char list[WORDS_SIZE], const char *word, size_t i, size_t n,
	       const char *conjunction);

#endif
