// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Settings as people write them: the device's file, and the words of a command line. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "usnd/device/settings.h"

static char *trim(char *s)
{
	char *end;

	while (isspace((unsigned char)*s))
		s++;
	end = s + strlen(s);
	while (end > s && isspace((unsigned char)end[-1]))
		end--;
	*end = '\0';
	return s;
}

/* Splits "key = value" in place. */
static int assign(char *text, struct settings *s, bool *replaced, bool in_file, struct usn_err *e)
{
	char *equals = strchr(text, '=');

	if (!equals)
		return usn_fail(e, EINVAL, "'%.60s' is not KEY=VALUE", text);
	*equals = '\0';
	return settings_set(s, trim(text), trim(equals + 1), replaced, in_file, e);
}

static int read_line(char *line, bool *in_section, struct settings *s, bool *replaced,
		     struct usn_err *e)
{
	line = trim(line);
	if (!*line || *line == '#' || *line == ';')
		return 0;
	if (*line == '[') {
		if (strcmp(line, "[Device]"))
			return usn_fail(e, EINVAL,
					"unknown section '%.40s': the section is [Device]", line);
		*in_section = true;
		return 0;
	}
	if (!*in_section)
		return usn_fail(e, EINVAL, "'%.60s' stands before the section [Device]", line);
	return assign(line, s, replaced, true, e);
}

void settings_path(uint32_t number, char ret[64])
{
	snprintf(ret, 64, USN_CONFIG_DIR "/usn%u.conf", number);
}

int settings_read(const char *path, struct settings *s, struct usn_err *e)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	_cleanup_free_ char *line = NULL;
	bool in_section = false, replaced = false;
	struct usn_err why;
	unsigned int number;
	size_t size = 0;
	ssize_t n;

	if (!f && errno == ENOENT)
		return 0;
	if (!f)
		return usn_fail_errno(e, errno, "cannot read %s", path);
	for (number = 1; (n = getline(&line, &size, f)) >= 0; number++) {
		if (memchr(line, '\0', (size_t)n))
			return usn_fail(e, EBADMSG, "%s:%u: the line holds a NUL", path, number);
		if (read_line(line, &in_section, s, &replaced, &why) < 0)
			return usn_fail(e, EBADMSG, "%s:%u: %s", path, number, why.text);
	}
	return ferror(f) ? usn_fail_errno(e, errno, "cannot read %s", path) : 0;
}

int settings_apply(const char *const *words, size_t n, struct settings *s, struct usn_err *e)
{
	bool replaced = false;
	size_t i;

	for (i = 0; i < n; i++) {
		_cleanup_free_ char *word = strdup(words[i]);
		int r = word ? assign(word, s, &replaced, false, e)
			     : usn_fail(e, ENOMEM, "out of memory");

		if (r < 0)
			return r;
	}
	return 0;
}
