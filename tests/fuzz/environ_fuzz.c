// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Any environment to what the BPF programs of ambient mode read it by: the answer is that of a
 * reading string by string. The header is the programs' own; the kernel's copy of a string is stood
 * in for.
 *
 * The input is the environment; behind it no memory can be read.
 */
#include <errno.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "fuzz.h"

struct mm_struct {
	unsigned long env_start, env_end;
};

static unsigned long memory_end;

/* As strncpy_from_user(): with the NUL, which cuts what is longer; nothing of what cannot be read. */
static long read_string(void *to, uint32_t size, const void *from)
{
	size_t there = memory_end - (unsigned long)from, n;

	demand((unsigned long)from <= memory_end);
	n = strnlen(from, there < size ? there : size);
	if (n == there && n < size) {
		memset(to, 0, size);
		return -EFAULT;
	}
	n = n < size ? n : size - 1;
	memcpy(to, from, n);
	((char *)to)[n] = '\0';
	return (long)n + 1;
}

#define bpf_probe_read_user_str read_string
#include "environ.bpf.h"

static void take(const char *value, size_t n, struct usn_seen *ret)
{
	ret->answer = USN_ND_NAMED;
	if (n < USN_NAME_SIZE)
		memcpy(ret->device, value, n);
}

/* A string of L bytes is read in L / (PIECE - 1) + 1 pieces. Behind the last one nobody looks. */
static void expect(const char *text, size_t size, struct usn_seen *ret)
{
	size_t pieces = 0, n;

	ret->answer = USN_ND_NONE;
	for (; size; text += n + 1, size -= n + 1) {
		n = strnlen(text, size);
		/* Of a string without an end, the pieces are there that do not reach the end. */
		if (n >= 3 && !memcmp(text, "ND=", 3) && (n < size || n >= PIECE))
			return take(text + 3, n - 3, ret);
		pieces += n / (PIECE - 1) + 1;
		if (n == size || pieces >= PIECES_MAX) {
			ret->answer = USN_ND_UNREADABLE;
			return;
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mm_struct mm = { (unsigned long)data, (unsigned long)data + size };
	struct usn_seen got = { 0 }, want = { 0 };

	memory_end = mm.env_end;
	read_nd(&got, &mm);
	expect((const char *)data, size, &want);
	demand(got.answer == want.answer);
	demand(!memcmp(got.device, want.device, sizeof(want.device)));
	return 0;
}
