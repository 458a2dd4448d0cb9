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
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <usn/abi.h>

#include "base/cleanup.h"
#include "capture/pcapng.h"
#include "pcapng_blocks.h"

#define REAL_NS 1700000000123456789ULL
#define PEN_WIRESHARK 32622

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

static void test_full_packet(void **state)
{
	static const uint8_t data[] = { 0x45, 1, 2, 3, 4 };
	const struct pcapng_packet full = {
		.real_ns = REAL_NS,
		.data = data,
		.caplen = sizeof(data),
		.len = 1500,
		.direction = USN_DIR_OUT,
		.flags = USN_PACKET_CHECKSUM_OPEN | USN_PACKET_GSO,
		.pid = 4711,
		.tid = 4712,
		.id = 1ULL << 40,
		.dropped = 3,
		.has_verdict = true,
		.verdict = -1,
	};
	const uint32_t owner[] = { 4711, 4712 };
	static const uint8_t verdict[] = { 1, 255, 255, 255, 255, 255, 255, 255, 255 };
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
	assert_int_equal(u32(&f, value), 2 | 1 << 9 | 1 << 11);
	assert_u64(&f, body + 28, end, 4, 3);
	assert_u64(&f, body + 28, end, 5, 1ULL << 40);
	value = find_option(&f, body + 28, end, 7, &n);
	assert_int_equal(n, sizeof(verdict));
	assert_memory_equal(f.bytes + value, verdict, sizeof(verdict));
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

/* Not a byte more than the packet has, so that a sanitizer sees who reads one. */
static void put_usual_packet(struct pcapng *w, uint32_t caplen)
{
	_cleanup_free_ uint8_t *data = malloc(caplen);
	const struct pcapng_packet p = { .real_ns = REAL_NS,
					 .data = data,
					 .caplen = caplen,
					 .len = caplen,
					 .direction = USN_DIR_OUT,
					 .pid = 4711,
					 .tid = 4712,
					 .id = caplen + (1ULL << 40) };

	for (uint32_t i = 0; i < caplen; i++)
		data[i] = (uint8_t)(255 - i % 251);
	assert_int_equal(pcapng_packet(w, &p), 0);
}

#define LENGTHS 600

/* What a capture consists of, at each length. */
static void test_usual_packets(void **state)
{
	const uint32_t owner[] = { 4711, 4712 };
	_cleanup_close_ int fd = memory_file();
	_cleanup_(pcapng_freep) struct pcapng *w = open_writer(fd);
	size_t at = 0, body, end, value;
	struct file f;
	uint16_t n;

	(void)state;
	for (uint32_t caplen = 1; caplen < LENGTHS; caplen++)
		put_usual_packet(w, caplen);
	assert_int_equal(pcapng_flush(w), 0);
	f = read_back(fd);
	check_headers(&f, &at);
	for (uint32_t caplen = 1; caplen < LENGTHS; caplen++) {
		uint32_t padded = (caplen + 3) & ~3U;
		size_t options;

		assert_int_equal(next_block(&f, &at, &body, &end), PACKET);
		assert_int_equal(u32(&f, body + 12), caplen);
		for (uint32_t i = 0; i < padded; i++)
			assert_int_equal(f.bytes[body + 20 + i], i < caplen ? 255 - i % 251 : 0);
		options = body + 20 + padded;
		assert_int_equal(u32(&f, find_option(&f, options, end, 2, &n)), USN_DIR_OUT);
		assert_u64(&f, options, end, 5, caplen + (1ULL << 40));
		value = find_option(&f, options, end, 8, &n);
		assert_memory_equal(f.bytes + value, owner, sizeof(owner));
		assert_absent(&f, options, end, 4);
		assert_absent(&f, options, end, 7);
		assert_int_equal(end, options + 8 + 12 + 12 + 4);
	}
	assert_int_equal(at, f.size);
	free(f.bytes);
}

/* A direction that is not known leaves only what is. */
static void test_flags(void **state)
{
	static const struct {
		uint8_t direction, flags;
		uint32_t word;
	} cases[] = {
		{ USN_DIR_IN, 0, 1 },
		{ USN_DIR_IN, USN_PACKET_CHECKSUM_GOOD, 1 | 1 << 10 },
		{ 0, USN_PACKET_GSO, 1 << 11 },
		{ USN_DIR_OUT, USN_PACKET_CHECKSUM_OPEN, 2 | 1 << 9 },
	};
	_cleanup_close_ int fd = memory_file();
	_cleanup_(pcapng_freep) struct pcapng *w = open_writer(fd);
	size_t at = 0, body, end, i;
	struct file f;
	uint16_t n;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct pcapng_packet p = { .direction = cases[i].direction,
						 .flags = cases[i].flags };

		assert_int_equal(pcapng_packet(w, &p), 0);
	}
	assert_int_equal(pcapng_flush(w), 0);
	f = read_back(fd);
	check_headers(&f, &at);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(next_block(&f, &at, &body, &end), PACKET);
		assert_int_equal(u32(&f, find_option(&f, body + 20, end, 2, &n)), cases[i].word);
	}
	assert_int_equal(at, f.size);
	free(f.bytes);
}

static void test_filter(void **state)
{
	_cleanup_close_ int fd = memory_file();
	_cleanup_(pcapng_freep) struct pcapng *w = NULL;
	size_t at = 0, body, end, value;
	uint32_t interface = 0;
	struct file f;
	uint16_t n = 0;

	(void)state;
	assert_int_equal(pcapng_open(fd, NULL, &w), 0);
	assert_int_equal(pcapng_interface(w, "usn0", NULL, "tcp port 80", 0, &interface), 0);
	assert_int_equal(pcapng_interface(w, "usn1", NULL, "", 0, &interface), 0);
	assert_int_equal(interface, 1);
	assert_int_equal(pcapng_flush(w), 0);
	f = read_back(fd);
	assert_int_equal(next_block(&f, &at, &body, &end), SECTION);
	assert_absent(&f, body + 16, end, 4);
	assert_int_equal(next_block(&f, &at, &body, &end), INTERFACE);
	assert_absent(&f, body + 8, end, 3);
	value = find_option(&f, body + 8, end, 11, &n);
	assert_int_equal(n, 1 + strlen("tcp port 80"));
	assert_memory_equal(f.bytes + value, "\0tcp port 80", n);
	assert_int_equal(next_block(&f, &at, &body, &end), INTERFACE);
	assert_absent(&f, body + 8, end, 11);
	assert_int_equal(at, f.size);
	free(f.bytes);
}

/* The entry of Wireshark's custom block: kind, length, process id, options; and nothing behind it. */
static void test_process(void **state)
{
	const struct pcapng_process known = { .pid = 4711,
					      .parent = 4710,
					      .uid = 0,
					      .start_ns = REAL_NS,
					      .name = "ping",
					      .path = "/bin/ping",
					      .comment = "a comment" },
				    bare = { .pid = 1, .uid = UINT32_MAX, .name = "x" };
	_cleanup_close_ int fd = memory_file();
	_cleanup_(pcapng_freep) struct pcapng *w = open_writer(fd);
	size_t at = 0, body, end;
	struct file f;
	uint16_t n;

	(void)state;
	assert_int_equal(pcapng_process(w, &known), 0);
	assert_int_equal(pcapng_process(w, &bare), 0);
	assert_int_equal(pcapng_flush(w), 0);
	assert_int_equal(pcapng_written(w), 0);
	f = read_back(fd);
	check_headers(&f, &at);
	assert_int_equal(next_block(&f, &at, &body, &end), CUSTOM);
	assert_int_equal(u32(&f, body), PEN_WIRESHARK);
	assert_int_equal(u32(&f, body + 4), 3);
	assert_int_equal(u32(&f, body + 8), end - body - 12);
	assert_int_equal(u32(&f, body + 12), 4711);
	assert_text(&f, body + 16, end, 2, "ping");
	assert_text(&f, body + 16, end, 3, "/bin/ping");
	assert_text(&f, body + 16, end, 1, "a comment");
	assert_int_equal(u32(&f, find_option(&f, body + 16, end, 5, &n)), 4710);
	assert_int_equal(u32(&f, find_option(&f, body + 16, end, 6, &n)), 0);
	assert_u64(&f, body + 16, end, 9, REAL_NS);
	assert_int_equal(next_block(&f, &at, &body, &end), CUSTOM);
	assert_int_equal(u32(&f, body + 12), 1);
	assert_text(&f, body + 16, end, 2, "x");
	assert_absent(&f, body + 16, end, 1);
	for (uint16_t code = 3; code <= 9; code++)
		assert_absent(&f, body + 16, end, code);
	assert_int_equal(at, f.size);
	free(f.bytes);
}

/* What a process calls itself are bytes, and what a file has are characters. */
static void test_characters(void **state)
{
	static const char *const cases[][2] = {
		{ "caf\xc3\xa9", "caf\xc3\xa9" },
		{ "caf\xc3", "caf?" },
		{ "\xff\xfe", "??" },
		{ "\xe2\x82\xac\xf0\x9f\x98\x80", "\xe2\x82\xac\xf0\x9f\x98\x80" },
		{ "\xe2\x82", "??" },
		{ "\xc0\xaf", "??" },           /* too long a form */
		{ "\xed\xa0\x80", "???" },      /* a half of a pair */
		{ "\xf4\x90\x80\x80", "????" }, /* beyond the last character */
		{ "\xe2(\xa1", "?(?" },
	};
	_cleanup_close_ int fd = memory_file();
	_cleanup_(pcapng_freep) struct pcapng *w = open_writer(fd);
	size_t at = 0, body, end, i;
	struct file f;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct pcapng_process p = { .pid = 1, .name = cases[i][0] };

		assert_int_equal(pcapng_process(w, &p), 0);
	}
	assert_int_equal(pcapng_flush(w), 0);
	f = read_back(fd);
	check_headers(&f, &at);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(next_block(&f, &at, &body, &end), CUSTOM);
		assert_text(&f, body + 16, end, 2, cases[i][1]);
	}
	assert_int_equal(at, f.size);
	free(f.bytes);
}

/* The output of the reader that shares nothing with the writer. It runs where tests/run does, in the project's root. */
static char *read_strictly(int fd)
{
	_cleanup_close_ int out = memory_file();
	struct file f;
	char *text;
	pid_t pid;
	int status;

	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		dup2(fd, STDIN_FILENO);
		lseek(STDIN_FILENO, 0, SEEK_SET);
		dup2(out, STDOUT_FILENO);
		execlp("python3", "python3", "tests/helpers/pcapng_read.py", "-", NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	f = read_back(out);
	text = (char *)f.bytes;
	text[f.size] = '\0';
	return text;
}

/* Everything that the writer can say at once, as somebody else reads it. */
static void put_everything(struct pcapng *w)
{
	static const uint8_t data[] = { 0x45, 1, 2, 3, 4 };
	const struct pcapng_process process = { .pid = 4711,
						.parent = 1,
						.uid = 1000,
						.start_ns = 5,
						.name = "ping\xff",
						.path = "/bin/ping",
						.comment = "cgroup 7 /usn" };
	const struct pcapng_packet packet = { .real_ns = 6,
					      .data = data,
					      .caplen = sizeof(data),
					      .len = 1500,
					      .direction = USN_DIR_IN,
					      .flags = USN_PACKET_CHECKSUM_GOOD,
					      .pid = 4711,
					      .tid = 4712,
					      .id = 9,
					      .dropped = 3,
					      .has_verdict = true,
					      .verdict = 2 };
	const struct pcapng_statistics totals = {
		.start_ns = 5, .end_ns = 8, .received = 4, .dropped = 3, .delivered = 1
	};

	assert_int_equal(pcapng_process(w, &process), 0);
	assert_int_equal(pcapng_packet(w, &packet), 0);
	assert_int_equal(pcapng_statistics(w, &totals), 0);
	assert_int_equal(pcapng_flush(w), 0);
}

static void test_read_by_another(void **state)
{
	static const char *const expected[] = {
		"\"block\": \"section\", \"order\": \"little\", \"length\": -1, \"hardware\": ",
		"\"userappl\": \"usn test\"}\n",
		"\"block\": \"interface\", \"id\": 0, \"linktype\": 101, \"snaplen\": 128, "
		"\"name\": \"usn0\", \"description\": \"a device\", \"tsresol\": 9, "
		"\"os\": \"Linux\"}\n",
		"\"block\": \"process\", \"pid\": 4711, \"name\": \"ping?\", "
		"\"path\": \"/bin/ping\", \"ppid\": 1, \"uid\": 1000, \"starttime\": 5, "
		"\"comment\": [\"cgroup 7 /usn\"]}\n",
		"\"block\": \"packet\", \"interface\": 0, \"time\": 6, \"caplen\": 5, "
		"\"len\": 1500, \"data\": \"4501020304\", \"flags\": {\"direction\": \"in\", "
		"\"reception\": 0, \"fcs\": 0, \"checksum_not_ready\": false, "
		"\"checksum_valid\": true, \"tso\": false, \"errors\": 0}, \"dropcount\": 3, "
		"\"packetid\": 9, \"verdict\": [{\"tc\": 2}], "
		"\"processid_threadid\": [4711, 4712]}\n",
		"\"block\": \"statistics\", \"interface\": 0, \"time\": 8, \"starttime\": 5, "
		"\"endtime\": 8, \"ifrecv\": 4, \"ifdrop\": 3, \"filteraccept\": 4, "
		"\"osdrop\": 3, \"usrdeliv\": 1}\n",
	};
	_cleanup_close_ int fd = memory_file();
	_cleanup_(pcapng_freep) struct pcapng *w = open_writer(fd);
	_cleanup_free_ char *text = NULL;
	const char *at;

	(void)state;
	put_everything(w);
	at = text = read_strictly(fd);
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		at = strstr(at, expected[i]);
		if (!at)
			fail_msg("not in it: %s\nin: %s", expected[i], text);
	}
}

/* What a kill leaves: a file that is cut at any byte has all its blocks but the last one. */
static void test_cut_anywhere(void **state)
{
	_cleanup_close_ int fd = memory_file();
	_cleanup_(pcapng_freep) struct pcapng *w = open_writer(fd);
	size_t at = 0, body, end, whole = 0, size;
	struct file f;

	(void)state;
	put_everything(w);
	f = read_back(fd);
	size = f.size;
	for (f.size = 0; f.size < size; f.size++) {
		for (at = 0; f.size - at >= 8 && u32(&f, at + 4) <= f.size - at;)
			next_block(&f, &at, &body, &end);
		assert_true(at >= whole);
		whole = at;
	}
	next_block(&f, &at, &body, &end);
	assert_int_equal(at, size);
	free(f.bytes);
}

static void test_statistics(void **state)
{
	const struct pcapng_statistics totals = { .start_ns = REAL_NS,
						  .end_ns = REAL_NS + 5,
						  .received = 6,
						  .dropped = 3,
						  .delivered = 2 };
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
	assert_u64(&f, body + 12, end, 6, 6);
	assert_u64(&f, body + 12, end, 7, 3);
	assert_u64(&f, body + 12, end, 8, 2);
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
	char text[PCAPNG_TEXT_MAX + 2] = "";
	const struct pcapng_process talker = { .pid = 1, .name = "x", .comment = text };
	uint32_t interface;
	_cleanup_close_ int fd = memory_file();
	_cleanup_(pcapng_freep) struct pcapng *w = open_writer(fd);
	struct pcapng *unset = NULL;

	(void)state;
	assert_int_equal(pcapng_packet(w, &stranger), -EINVAL);
	assert_int_equal(pcapng_packet(w, &longer), -EINVAL);
	assert_int_equal(pcapng_packet(w, &huge), -EMSGSIZE);
	assert_int_equal(pcapng_statistics(w, &nobody), -EINVAL);
	memset(text, 'x', sizeof(text) - 1);
	assert_int_equal(pcapng_process(w, &talker), -EINVAL);
	assert_int_equal(pcapng_interface(w, text, NULL, NULL, 0, &interface), -EINVAL);
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
		cmocka_unit_test(test_usual_packets),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_filter),
		cmocka_unit_test(test_process),
		cmocka_unit_test(test_characters),
		cmocka_unit_test(test_read_by_another),
		cmocka_unit_test(test_cut_anywhere),
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
