// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Lists of words in a sentence. */
#include <stdio.h>
#include <string.h>

#include "base/words.h"

void words_add(char list[WORDS_SIZE], const char *word, size_t i, size_t n, const char *conjunction)
{
	size_t len = strlen(list);
	char *end = list + len;

	if (!i)
		snprintf(end, WORDS_SIZE - len, "%s", word);
	else if (i + 1 < n)
		snprintf(end, WORDS_SIZE - len, ", %s", word);
	else
		snprintf(end, WORDS_SIZE - len, " %s %s", conjunction, word);
}
