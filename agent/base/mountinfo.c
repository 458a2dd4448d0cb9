// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Lines of /proc/PID/mountinfo: "ID PARENT MAJ:MIN ROOT POINT OPTIONS
 * [TAG]... - FSTYPE SOURCE SUPER".
 */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mountinfo.h"

static int octal(const char *s)
{
	int i, v = 0;

	for (i = 0; i < 3; i++) {
		if (s[i] < '0' || s[i] > '7')
			return -1;
		v = v * 8 + s[i] - '0';
	}
	return v < 256 ? v : -1;
}

/* The kernel writes space, tab, newline and backslash as \ooo. */
static int unescape(const char *s, char *out, size_t size)
{
	size_t n = 0;

	while (*s) {
		int c = (unsigned char)*s;

		if (c == '\\') {
			c = octal(s + 1);
			if (c < 0)
				return -EINVAL;
			s += 3;
		}
		if (n + 1 >= size)
			return -EINVAL;
		out[n++] = (char)c;
		s++;
	}
	out[n] = '\0';
	return 0;
}

static int parse_line(char *line, struct mount *ret)
{
	char *fields[5], *save, *word;
	int i;

	for (i = 0; i < 5; i++) {
		fields[i] = strtok_r(i ? NULL : line, " \n", &save);
		if (!fields[i])
			return -EINVAL;
	}
	do {
		word = strtok_r(NULL, " \n", &save);
		if (!word)
			return -EINVAL;
	} while (strcmp(word, "-"));
	word = strtok_r(NULL, " \n", &save);
	if (!word)
		return -EINVAL;
	if (unescape(fields[3], ret->root, sizeof(ret->root)) ||
	    unescape(fields[4], ret->point, sizeof(ret->point)) ||
	    unescape(word, ret->fstype, sizeof(ret->fstype)))
		return -EINVAL;
	return 1;
}

int mountinfo_next(FILE *f, struct mount *ret)
{
	_cleanup_free_ char *line = NULL;
	size_t size = 0;

	if (getline(&line, &size, f) < 0)
		return 0;
	return parse_line(line, ret);
}
