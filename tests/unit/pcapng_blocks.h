/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The blocks of a pcapng file, for tests of what writes them. To be included behind cmocka.h. */
#ifndef USN_PCAPNG_BLOCKS_H
#define USN_PCAPNG_BLOCKS_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECTION 0x0a0d0d0aU
#define INTERFACE 1U
#define STATISTICS 5U
#define PACKET 6U
#define CUSTOM 0xbadU

/* A file in memory, as it is on the disk. */
struct file {
	uint8_t *bytes;
	size_t size;
};

static inline struct file read_back(int fd)
{
	struct file f = { 0 };
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	f.size = (size_t)st.st_size;
	f.bytes = malloc(f.size + 1);
	assert_non_null(f.bytes);
	assert_int_equal(pread(fd, f.bytes, f.size, 0), st.st_size);
	return f;
}

static inline uint32_t u32(const struct file *f, size_t at)
{
	uint32_t v;

	assert_true(at + 4 <= f->size);
	memcpy(&v, f->bytes + at, 4);
	return v;
}

static inline uint16_t u16(const struct file *f, size_t at)
{
	uint16_t v;

	assert_true(at + 2 <= f->size);
	memcpy(&v, f->bytes + at, 2);
	return v;
}

/*
 * The type of the block at *at, with its lengths checked; *at moves to the next, ret_body to its
 * body.
 */
static inline uint32_t next_block(const struct file *f, size_t *at, size_t *ret_body,
				  size_t *ret_end)
{
	uint32_t type = u32(f, *at), length = u32(f, *at + 4);

	assert_int_equal(length % 4, 0);
	assert_true(length >= 12 && length <= f->size - *at);
	assert_int_equal(u32(f, *at + length - 4), length);
	*ret_body = *at + 8;
	*ret_end = *at + length - 4;
	*at += length;
	return type;
}

/* The place of an option's value between at and end, 0: it is not there. Checks the whole list. */
static inline size_t find_option(const struct file *f, size_t at, size_t end, uint16_t code,
				 uint16_t *ret_len)
{
	size_t found = 0;

	while (at < end) {
		uint16_t c = u16(f, at), n = u16(f, at + 2);

		at += 4;
		if (!c) {
			assert_int_equal(n, 0);
			assert_int_equal(at, end);
			return found;
		}
		if (c == code) {
			found = at;
			*ret_len = n;
		}
		at += (n + 3U) & ~3U;
	}
	fail_msg("options have no end");
	return 0;
}

static inline uint64_t stamp(const struct file *f, size_t at)
{
	return (uint64_t)u32(f, at) << 32 | u32(f, at + 4);
}

#endif
