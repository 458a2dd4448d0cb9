// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Any word as a number, a size, the name of a device, an address, the name of a file, and in the
 * reason of a failure. What is taken can be written again; what is refused says why, in one line.
 */
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <usn/abi.h>

#include "base/err.h"
#include "base/parse.h"
#include "capture/capture_name.h"
#include "capture/capture_options.h"
#include "fuzz.h"

static void check_reason(const struct usn_err *e, int code)
{
	json_t *text = json_string(e->text);

	demand(e->code == code && *e->text && text);
	for (const char *c = e->text; *c; c++)
		demand((unsigned char)*c >= ' ' && *c != 0x7f);
	json_decref(text);
}

static void check_numbers(const char *word)
{
	uint32_t n;
	uint64_t bytes;
	char text[32];
	int r = parse_u32(word, 3, 4000000000, &n);

	if (!r) {
		snprintf(text, sizeof(text), "%u", n);
		demand(n >= 3 && n <= 4000000000);
		demand(!strcmp(text, word + strspn(word, "0")));
	} else {
		demand(r == -EINVAL || r == -ERANGE);
	}
	r = parse_size(word, 1000, 4096, 1ULL << 40, &bytes);
	demand(r ? r == -EINVAL || r == -ERANGE : bytes >= 4096 && bytes <= 1ULL << 40);
}

static void check_device(const char *word)
{
	struct usn_err e;
	char text[USN_NAME_SIZE];
	uint32_t n;

	if (parse_device(word, &n, &e) < 0) {
		check_reason(&e, EINVAL);
		return;
	}
	demand(n < USN_DEVICES_MAX);
	snprintf(text, sizeof(text), "usn%u", n);
	demand(!strcmp(text, word));
}

static void check_prefix(const char *word)
{
	char text[PREFIX_TEXT_SIZE];
	struct prefix p, again;
	struct usn_err e;

	if (parse_prefix(word, &p, &e) < 0) {
		check_reason(&e, EINVAL);
		return;
	}
	demand(p.len >= 1 && p.len <= (p.family == AF_INET ? 32 : 128));
	demand(!parse_prefix(prefix_text(&p, text), &again, &e));
	demand(prefix_equal(&p, &again) && prefix_contains(&p, again.addr));
}

static void check_file(const char *word, uint32_t seed)
{
	const struct capture_file_options o = { .path = word,
						.rotate_bytes = seed & 1,
						.rotate_seconds = seed >> 1 & 1,
						.rotate_files = seed >> 2 };
	static char name[PATH_MAX];
	struct usn_err e;

	memset(name, 'x', sizeof(name));
	if (capture_name(&o, seed * 1000000007ULL, seed & 0xff, name, &e) < 0)
		check_reason(&e, ENAMETOOLONG);
	else
		demand(strnlen(name, sizeof(name)) < sizeof(name) && *name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *word = take_string(&data, &size);
	uint32_t seed = 0;
	struct usn_err e;

	memcpy(&seed, data, size < sizeof(seed) ? size : sizeof(seed));
	check_numbers(word);
	check_device(word);
	check_prefix(word);
	check_file(word, seed);
	usn_fail(&e, EIO, "no %s", word);
	check_reason(&e, EIO);
	usn_fail_errno(&e, ENOENT, "no %s", word);
	check_reason(&e, ENOENT);
	free(word);
	return 0;
}
