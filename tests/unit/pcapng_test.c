// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What the pcapng writer leaves in a file, read back block by block, and what it does when it
 * cannot write.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memfd_create, pipe2 */
#endif
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <usn/abi.h>

#include "base/cleanup.h"
#include "lib/pcapng.h"

#define REAL_NS 1700000000123456789ULL
#define SECTION 0x0a0d0d0aU
#define PACKET 6U

/* A file in memory, as it is on the disk. */
struct file {
	uint8_t *bytes;
	size_t size;
};

static struct file read_back(int fd)
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

static uint32_t u32(const struct file *f, size_t at)
{
	uint32_t v;

	assert_true(at + 4 <= f->size);
	memcpy(&v, f->bytes + at, 4);
	return v;
}

static uint16_t u16(const struct file *f, size_t at)
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
static uint32_t next_block(const struct file *f, size_t *at, size_t *ret_body, size_t *ret_end)
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
static size_t find_option(const struct file *f, size_t at, size_t end, uint16_t code,
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

static void assert_text(const struct file *f, size_t at, size_t end, uint16_t code,
			const char *expected)
{
	uint16_t n;
	size_t value = find_option(f, at, end, code, &n);

	assert_true(value);
	assert_int_equal(n, strlen(expected));
	assert_memory_equal(f->bytes + value, expected, n);
}

static void assert_u64(const struct file *f, size_t at, size_t end, uint16_t code,
		       uint64_t expected)
{
	uint16_t n = 0;
	size_t value = find_option(f, at, end, code, &n);

	assert_true(value);
	assert_int_equal(n, 8);
	assert_memory_equal(f->bytes + value, &expected, 8);
}

static void assert_absent(const struct file *f, size_t at, size_t end, uint16_t code)
{
	uint16_t n;

	assert_int_equal(find_option(f, at, end, code, &n), 0);
}

static struct pcapng *open_writer(int fd)
{
	struct pcapng *w = NULL;
	uint32_t interface = 99;

	assert_int_equal(pcapng_open(fd, "usn test", &w), 0);
	assert_int_equal(pcapng_interface(w, "usn0", "a device", NULL, 128, &interface), 0);
	assert_int_equal(interface, 0);
	return w;
}

static int memory_file(void)
{
	int fd = memfd_create("pcapng", MFD_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static int put_packet(struct pcapng *w, const void *data, uint32_t caplen)
{
	const struct pcapng_packet p = {
		.real_ns = REAL_NS, .data = data, .caplen = caplen, .len = caplen
	};

	return pcapng_packet(w, &p);
}

static void check_headers(const struct file *f, size_t *at)
{
	size_t body, end;
	uint16_t n;

	assert_int_equal(next_block(f, at, &body, &end), SECTION);
	assert_int_equal(u32(f, body), 0x1a2b3c4d);
	assert_int_equal(u16(f, body + 4), 1);
	assert_int_equal(u16(f, body + 6), 0);
	assert_int_equal(u32(f, body + 8), UINT32_MAX);
	assert_int_equal(u32(f, body + 12), UINT32_MAX);
	assert_text(f, body + 16, end, 4, "usn test");
	assert_true(find_option(f, body + 16, end, 3, &n));

	assert_int_equal(next_block(f, at, &body, &end), 1);
	assert_int_equal(u16(f, body), 101);
	assert_int_equal(u32(f, body + 4), 128);
	assert_text(f, body + 8, end, 2, "usn0");
	assert_text(f, body + 8, end, 3, "a device");
	assert_text(f, body + 8, end, 9, "\x09");
}

static uint64_t stamp(const struct file *f, size_t at)
{
	return (uint64_t)u32(f, at) << 32 | u32(f, at + 4);
}

static void test_full_packet(void **state)
{
	static const uint8_t data[] = { 0x45, 1, 2, 3, 4 };
	const struct pcapng_packet full = {
		.real_ns = REAL_NS,
		.data = data,
		.caplen = sizeof(data),
		.len = 1500,
		.direction = USN_DIR_OUT,
		.pid = 4711,
		.tid = 4712,
		.dropped = 3,
	};
	const uint32_t owner[] = { 4711, 4712 };
	_cleanup_close_ int fd = memory_file();
	_cleanup_(pcapng_freep) struct pcapng *w = open_writer(fd);
	size_t at = 0, body, end, value;
	struct file f;
	uint16_t n = 0;

	(void)state;
	assert_int_equal(pcapng_packet(w, &full), 0);
	assert_int_equal(pcapng_written(w), 0);
	assert_int_equal(pcapng_flush(w), 0);
	assert_int_equal(pcapng_written(w), 1);
	f = read_back(fd);
	check_headers(&f, &at);
	assert_int_equal(next_block(&f, &at, &body, &end), PACKET);
	assert_int_equal(u32(&f, body), 0);
	assert_int_equal(stamp(&f, body + 4), REAL_NS);
	assert_int_equal(u32(&f, body + 12), sizeof(data));
	assert_int_equal(u32(&f, body + 16), 1500);
	assert_memory_equal(f.bytes + body + 20, data, sizeof(data));
	value = find_option(&f, body + 28, end, 2, &n);
	assert_int_equal(u32(&f, value), 2);
	assert_u64(&f, body + 28, end, 4, 3);
	value = find_option(&f, body + 28, end, 8, &n);
	assert_int_equal(n, sizeof(owner));
	assert_memory_equal(f.bytes + value, owner, sizeof(owner));
	assert_int_equal(at, f.size);
	free(f.bytes);
}

/* What is not known is not said, whatever the length is modulo 4. */
static void test_bare_packets(void **state)
{
	static const uint8_t data[] = { 0x45, 1, 2, 3, 4 };
	_cleanup_close_ int fd = memory_file();
	_cleanup_(pcapng_freep) struct pcapng *w = open_writer(fd);
	size_t at = 0, body, end;
	struct file f;

	(void)state;
	for (uint32_t caplen = 0; caplen < 5; caplen++)
		assert_int_equal(put_packet(w, data, caplen), 0);
	assert_int_equal(pcapng_flush(w), 0);
	f = read_back(fd);
	check_headers(&f, &at);
	for (uint32_t caplen = 0; caplen < 5; caplen++) {
		assert_int_equal(next_block(&f, &at, &body, &end), PACKET);
		assert_int_equal(u32(&f, body + 12), caplen);
		assert_memory_equal(f.bytes + body + 20, data, caplen);
		for (uint16_t code = 1; code <= 8; code++)
			assert_absent(&f, body + 20 + ((caplen + 3) & ~3U), end, code);
	}
	assert_int_equal(at, f.size);
	free(f.bytes);
}

static void test_statistics(void **state)
{
	const struct pcapng_statistics totals = {
		.start_ns = REAL_NS, .end_ns = REAL_NS + 5, .received = 6, .dropped = 3
	};
	_cleanup_close_ int fd = memory_file();
	_cleanup_(pcapng_freep) struct pcapng *w = open_writer(fd);
	size_t at = 0, body, end;
	struct file f;
	uint16_t n;

	(void)state;
	assert_int_equal(pcapng_statistics(w, &totals), 0);
	assert_int_equal(pcapng_flush(w), 0);
	assert_int_equal(pcapng_written(w), 0);
	f = read_back(fd);
	check_headers(&f, &at);
	assert_int_equal(next_block(&f, &at, &body, &end), 5);
	assert_int_equal(stamp(&f, body + 4), REAL_NS + 5);
	assert_int_equal(stamp(&f, find_option(&f, body + 12, end, 2, &n)), REAL_NS);
	assert_int_equal(stamp(&f, find_option(&f, body + 12, end, 3, &n)), REAL_NS + 5);
	assert_u64(&f, body + 12, end, 4, 6);
	assert_u64(&f, body + 12, end, 5, 3);
	assert_int_equal(at, f.size);
	free(f.bytes);
}

static void test_refuses_nonsense(void **state)
{
	const struct pcapng_packet stranger = { .interface = 1 },
				   longer = { .caplen = 2, .len = 1 },
				   huge = { .caplen = PCAPNG_PACKET_MAX + 1,
					    .len = PCAPNG_PACKET_MAX + 1 };
	const struct pcapng_statistics nobody = { .interface = 1 };
	_cleanup_close_ int fd = memory_file();
	_cleanup_(pcapng_freep) struct pcapng *w = open_writer(fd);
	struct pcapng *unset = NULL;

	(void)state;
	assert_int_equal(pcapng_packet(w, &stranger), -EINVAL);
	assert_int_equal(pcapng_packet(w, &longer), -EINVAL);
	assert_int_equal(pcapng_packet(w, &huge), -EMSGSIZE);
	assert_int_equal(pcapng_statistics(w, &nobody), -EINVAL);
	assert_int_equal(pcapng_open(-1, NULL, &unset), -EINVAL);
	assert_null(unset);
	assert_null(pcapng_free(NULL));
}

static unsigned int count_packets(int fd)
{
	struct file f = read_back(fd);
	size_t at = 0, body, end;
	unsigned int n = 0;

	check_headers(&f, &at);
	while (at < f.size)
		n += next_block(&f, &at, &body, &end) == PACKET;
	free(f.bytes);
	return n;
}

/* More than the buffer holds, and a packet that is more than the buffer. */
static void test_large(void **state)
{
	_cleanup_close_ int fd = memory_file();
	_cleanup_(pcapng_freep) struct pcapng *w = open_writer(fd);
	_cleanup_free_ uint8_t *data = calloc(1, 1 << 20);

	(void)state;
	assert_non_null(data);
	for (int i = 0; i < 2000; i++)
		assert_int_equal(put_packet(w, data, 1500), 0);
	assert_true(pcapng_written(w) > 0);
	assert_int_equal(put_packet(w, data, 1 << 20), 0);
	assert_int_equal(pcapng_flush(w), 0);
	assert_int_equal(pcapng_written(w), 2001);
	assert_int_equal(count_packets(fd), 2001);
}

static void test_no_space(void **state)
{
	_cleanup_close_ int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	_cleanup_(pcapng_freep) struct pcapng *w = open_writer(fd);
	uint8_t data[1500] = { 0 };
	int r = 0;

	(void)state;
	for (int i = 0; i < 1000 && !r; i++)
		r = put_packet(w, data, sizeof(data));
	assert_int_equal(r, -ENOSPC);
	assert_int_equal(pcapng_flush(w), -ENOSPC);
	assert_int_equal(pcapng_written(w), 0);
}

/*
 * A file that takes a part: the size limit stands for a disk that is full. The file ends with a
 * whole block, and when there is room again, the capture goes on in it.
 */
static void test_partial_block_is_cut(void **state)
{
	char path[] = "/tmp/pcapng_test.XXXXXX";
	_cleanup_close_ int fd = mkostemp(path, O_CLOEXEC);
	_cleanup_(pcapng_freep) struct pcapng *w = open_writer(fd);
	struct rlimit old, tight;
	uint8_t data[100] = { 0 };

	(void)state;
	assert_int_equal(unlink(path), 0);
	for (int i = 0; i < 10; i++)
		assert_int_equal(put_packet(w, data, sizeof(data)), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	tight = old;
	tight.rlim_cur = 1000;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
	assert_int_equal(pcapng_flush(w), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);

	assert_in_range(pcapng_written(w), 1, 9);
	assert_int_equal(count_packets(fd), pcapng_written(w));
	assert_int_equal(put_packet(w, data, sizeof(data)), 0);
	assert_int_equal(pcapng_flush(w), 0);
	assert_int_equal(pcapng_written(w), 11);
	assert_int_equal(count_packets(fd), 11);
}

static void test_closed_pipe(void **state)
{
	_cleanup_(pcapng_freep) struct pcapng *w = NULL;
	uint8_t data[100] = { 0 };
	int fds[2];

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	close(fds[0]);
	w = open_writer(fds[1]);
	assert_int_equal(put_packet(w, data, sizeof(data)), 0);
	assert_int_equal(pcapng_flush(w), -EPIPE);
	assert_int_equal(pcapng_written(w), 0);
	close(fds[1]);
}

/* A pipe that is full for the moment has taken half a block: the rest has to follow, once. */
static void test_pipe_goes_on(void **state)
{
	_cleanup_close_ int copy = memory_file();
	_cleanup_(pcapng_freep) struct pcapng *w = NULL;
	uint8_t data[1400] = { 0 }, chunk[4096];
	ssize_t n;
	int fds[2], r;

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	w = open_writer(fds[1]);
	for (int i = 0; i < 150; i++)
		assert_int_equal(put_packet(w, data, sizeof(data)), 0);
	assert_int_equal(pcapng_flush(w), -EAGAIN);
	assert_in_range(pcapng_written(w), 1, 149);
	do {
		while ((n = read(fds[0], chunk, sizeof(chunk))) > 0)
			assert_int_equal(write(copy, chunk, (size_t)n), n);
		r = pcapng_flush(w);
	} while (r == -EAGAIN);
	assert_int_equal(r, 0);
	while ((n = read(fds[0], chunk, sizeof(chunk))) > 0)
		assert_int_equal(write(copy, chunk, (size_t)n), n);
	assert_int_equal(pcapng_written(w), 150);
	assert_int_equal(count_packets(copy), 150);
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full_packet),
		cmocka_unit_test(test_bare_packets),
		cmocka_unit_test(test_statistics),
		cmocka_unit_test(test_refuses_nonsense),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_no_space),
		cmocka_unit_test(test_partial_block_is_cut),
		cmocka_unit_test(test_closed_pipe),
		cmocka_unit_test(test_pipe_goes_on),
	};

	/* They have an errno too, and that is what is tested. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	return cmocka_run_group_tests_name("pcapng", tests, NULL, NULL);
}
