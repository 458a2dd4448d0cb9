// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Captures in files that rotate: their names, when a new one begins, and that each is complete. The clock is the packets'. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "capture/capture_file.h"
#include "capture/capture_name.h"
#include "pcapng_blocks.h"

#define S 1000000000ULL

/* A packet of 1000 bytes in a record; a test changes what it is about. */
static union {
	struct usn_record rec;
	uint8_t bytes[sizeof(struct usn_record) + 1000];
} packet;

/* What a file has. */
struct content {
	unsigned int interfaces, processes, packets, statistics;
	uint64_t received, dropped, delivered, start_ns, end_ns; /* in the last totals */
	uint64_t lost;                                           /* sum of what packets tell */
};

static char directory[] = "/tmp/capture_file_test.XXXXXX";
static uint64_t begin_ns; /* captures open at the real time, so the packets' clock starts there */

static int make_directory(void **state)
{
	struct timespec now;

	(void)state;
	clock_gettime(CLOCK_REALTIME, &now);
	begin_ns = (uint64_t)now.tv_sec * S + (uint64_t)now.tv_nsec;
	memset(&packet, 0, sizeof(packet));
	packet.rec.ifindex = 7;
	packet.rec.len = packet.rec.caplen = 1000;
	strcpy(directory + sizeof(directory) - 7, "XXXXXX");
	return mkdtemp(directory) && !chdir(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
	DIR *d = opendir(directory);
	struct dirent *entry;

	(void)state;
	while (d && (entry = readdir(d)))
		unlink(entry->d_name);
	if (d)
		closedir(d);
	return chdir("/") || rmdir(directory);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* The names in the directory, sorted, with a blank between. */
static void assert_files(const char *expected)
{
	struct dirent **entries;
	char names[4096] = "";
	int i, n = scandir(".", &entries, visible, by_name);

	for (i = 0; i < n; i++) {
		snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s", i ? " " : "",
			 entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	assert_string_equal(names, expected);
}

static uint64_t u64_option(const struct file *f, size_t at, size_t end, uint16_t code)
{
	uint64_t value = 0;
	uint16_t n = 0;
	size_t place = find_option(f, at, end, code, &n);

	if (place) {
		assert_int_equal(n, 8);
		memcpy(&value, f->bytes + place, 8);
	}
	return value;
}

/* Of a file that must be whole, and begin as each has to. */
static struct content content_of(const char *name)
{
	_cleanup_close_ int fd = open(name, O_RDONLY | O_CLOEXEC);
	struct content c = { 0 };
	size_t at = 0, body, end;
	struct file f;
	uint16_t n;

	if (fd < 0)
		fail_msg("%s is not there", name);
	f = read_back(fd);
	assert_int_equal(next_block(&f, &at, &body, &end), SECTION);
	while (at < f.size) {
		switch (next_block(&f, &at, &body, &end)) {
		case INTERFACE:
			c.interfaces++;
			break;
		case CUSTOM:
			c.processes++;
			break;
		case PACKET:
			assert_true(u32(&f, body) < c.interfaces);
			c.packets++;
			c.lost += u64_option(&f, body + 20 + ((u32(&f, body + 12) + 3) & ~3U), end,
					     4);
			break;
		case STATISTICS:
			c.statistics++;
			c.received = u64_option(&f, body + 12, end, 4);
			c.dropped = u64_option(&f, body + 12, end, 7);
			c.delivered = u64_option(&f, body + 12, end, 8);
			c.start_ns = stamp(&f, find_option(&f, body + 12, end, 2, &n));
			c.end_ns = stamp(&f, find_option(&f, body + 12, end, 3, &n));
			break;
		default:
			fail_msg("an unknown block in %s", name);
		}
	}
	free(f.bytes);
	return c;
}

static struct capture_file *open_capture(const struct capture_file_options *o)
{
	struct capture_file *f = NULL;
	struct usn_err e;

	if (capture_file_open(o, &f, &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(capture_file_interface(f, 7, "usn0", &e), 0);
	return f;
}

/* So many packets at one time. 0 or what the last one got. */
static int put_packets(struct capture_file *f, unsigned int n, uint64_t real_ns, struct usn_err *e)
{
	int r = 0;

	for (; n && !r; n--)
		r = capture_file_packet(f, &packet.rec, real_ns, e);
	return r;
}

static void close_capture(struct capture_file *f)
{
	struct usn_err e;

	assert_int_equal(capture_file_statistics(f, 7, packet.rec.lost, &e), 0);
	assert_int_equal(capture_file_flush(f, &e), 0);
	capture_file_free(f);
}

static void test_names(void **state)
{
	static const struct {
		struct capture_file_options o;
		uint32_t count;
		const char *name;
	} cases[] = {
		{ { .path = "f" }, 0, "f" },
		{ { .path = "f%Y" }, 0, "f%Y" },
		{ { .path = "f", .rotate_bytes = 1 }, 0, "f" },
		{ { .path = "f", .rotate_bytes = 1 }, 12, "f12" },
		/* The digits of the last number of the ring; one file has none. */
		{ { .path = "f", .rotate_bytes = 1, .rotate_files = 1 }, 0, "f" },
		{ { .path = "f", .rotate_bytes = 1, .rotate_files = 2 }, 0, "f0" },
		{ { .path = "f", .rotate_bytes = 1, .rotate_files = 10 }, 9, "f9" },
		{ { .path = "f", .rotate_bytes = 1, .rotate_files = 11 }, 9, "f09" },
		{ { .path = "f", .rotate_bytes = 1, .rotate_files = 101 }, 7, "f007" },
		{ { .path = "f%Y-%S.", .rotate_seconds = 1 }, 0, "f2023-20." },
		{ { .path = "f%Y-", .rotate_seconds = 1, .rotate_files = 20 }, 0, "f2023-" },
		{ { .path = "f%Y-", .rotate_seconds = 1, .rotate_bytes = 1 }, 3, "f2023-3" },
		{ { .path = "%H", .rotate_seconds = 1, .rotate_bytes = 1, .rotate_files = 11 },
		  3,
		  "2203" },
	};
	char name[PATH_MAX], long_name[PATH_MAX + 1];
	const struct capture_file_options too_long = { .path = long_name };
	struct usn_err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		/* 2023-11-14 22:13:20 UTC */
		assert_int_equal(
			capture_name(&cases[i].o, 1700000000 * S, cases[i].count, name, &e), 0);
		assert_string_equal(name, cases[i].name);
	}
	memset(long_name, 'x', PATH_MAX);
	long_name[PATH_MAX] = '\0';
	assert_int_equal(capture_name(&too_long, 0, 0, name, &e), -ENAMETOOLONG);
}

static void test_one_file(void **state)
{
	const struct capture_file_options o = { .path = "f", .snaplen = 1000 };
	struct capture_file *f = open_capture(&o);
	struct content c;
	struct usn_err e;
	struct stat st;

	(void)state;
	assert_int_equal(put_packets(f, 3, begin_ns + 9, &e), 0);
	assert_int_equal(capture_file_written(f), 0);
	assert_int_equal(capture_file_flush(f, &e), 0);
	assert_int_equal(capture_file_written(f), 3);
	close_capture(f);
	assert_files("f");
	assert_int_equal(stat("f", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640 & ~umask(022));
	c = content_of("f");
	assert_int_equal(c.packets, 3);
	assert_int_equal(c.statistics, 1);
	assert_int_equal(c.received, 3);
	assert_int_equal(c.delivered, 3);
	assert_true(c.start_ns >= begin_ns && c.end_ns >= begin_ns + 9);
}

/* Before a packet it is looked whether the file is over the limit, so that each is by one packet at the most. */
static void test_by_size(void **state)
{
	const struct capture_file_options o = { .path = "f", .rotate_bytes = 10000 };
	struct capture_file *f = open_capture(&o);
	unsigned int packets = 0;
	struct usn_err e;
	struct stat st;
	char name[] = "f1";

	(void)state;
	assert_int_equal(put_packets(f, 35, begin_ns, &e), 0);
	close_capture(f);
	assert_files("f f1 f2 f3");
	packets = content_of("f").packets + content_of("f3").packets;
	for (; name[1] <= '2'; name[1]++) {
		assert_int_equal(stat(name, &st), 0);
		assert_in_range(st.st_size, 10001, 11500);
		packets += content_of(name).packets;
	}
	assert_int_equal(packets, 35);
}

static void test_ring(void **state)
{
	const struct capture_file_options o = { .path = "f",
						.rotate_bytes = 5000,
						.rotate_files = 3 };
	struct capture_file *f = open_capture(&o);
	struct usn_err e;

	(void)state;
	assert_int_equal(put_packets(f, 30, begin_ns, &e), 0);
	assert_int_equal(capture_file_flush(f, &e), 0);
	assert_int_equal(capture_file_written(f), 30);
	close_capture(f);
	assert_files("f0 f1 f2");
	for (char name[] = "f0"; name[1] <= '2'; name[1]++)
		assert_in_range(content_of(name).packets, 1, 5);
}

/* Each file ends when its time has passed and a packet comes, and says so. */
static void test_by_time(void **state)
{
	const struct capture_file_options o = { .path = "%s", .rotate_seconds = 10 };
	struct capture_file *f = open_capture(&o);
	uint64_t second = begin_ns / S;
	char names[3][32], all[100];
	struct content c;
	struct usn_err e;

	(void)state;
	assert_int_equal(put_packets(f, 1, begin_ns + 5 * S, &e), 0);
	assert_int_equal(put_packets(f, 2, begin_ns + 9 * S, &e), 0);
	assert_int_equal(put_packets(f, 3, begin_ns + 15 * S, &e), 0);
	assert_int_equal(put_packets(f, 1, begin_ns + 24 * S, &e), 0);
	assert_int_equal(put_packets(f, 4, begin_ns + 99 * S, &e), 0);
	close_capture(f);
	/* The capture may have been opened in the second after begin_ns was taken. */
	snprintf(names[0], sizeof(names[0]), "%" PRIu64, second);
	if (access(names[0], F_OK) < 0)
		snprintf(names[0], sizeof(names[0]), "%" PRIu64, second + 1);
	snprintf(names[1], sizeof(names[1]), "%" PRIu64, second + 15);
	snprintf(names[2], sizeof(names[2]), "%" PRIu64, second + 99);
	snprintf(all, sizeof(all), "%s %s %s", names[0], names[1], names[2]);
	assert_files(all);
	c = content_of(names[0]);
	assert_int_equal(c.packets, 3);
	assert_int_equal(c.end_ns, begin_ns + 15 * S);
	c = content_of(names[1]);
	assert_int_equal(c.packets, 4);
	assert_int_equal(c.start_ns, begin_ns + 15 * S);
	assert_int_equal(c.end_ns, begin_ns + 99 * S);
	assert_int_equal(content_of(names[2]).packets, 4);
}

static void test_over(void **state)
{
	const struct capture_file_options o = { .path = "f%s",
						.rotate_seconds = 1,
						.rotate_files = 2 };
	struct capture_file *f = open_capture(&o);
	struct usn_err e;

	(void)state;
	assert_int_equal(put_packets(f, 1, begin_ns, &e), 0);
	assert_int_equal(put_packets(f, 1, begin_ns + 3 * S, &e), 0);
	assert_int_equal(put_packets(f, 1, begin_ns + 6 * S, &e), -ECANCELED);
	assert_int_equal(put_packets(f, 1, begin_ns + 6 * S, &e), -ECANCELED);
	assert_int_equal(capture_file_written(f), 2);
	close_capture(f);
}

/* The numbers begin again with each period, in which the ring is. */
static void test_by_both(void **state)
{
	const struct capture_file_options o = {
		.path = "f", .rotate_bytes = 5000, .rotate_seconds = 10, .rotate_files = 3
	};
	struct capture_file *f = open_capture(&o);
	struct usn_err e;

	(void)state;
	assert_int_equal(put_packets(f, 30, begin_ns, &e), 0);
	assert_files("f0 f1 f2");
	assert_int_equal(put_packets(f, 1, begin_ns + 20 * S, &e), 0);
	assert_int_equal(put_packets(f, 1, begin_ns + 29 * S, &e), 0);
	close_capture(f);
	assert_int_equal(content_of("f0").packets, 2);
	assert_files("f0 f1 f2");
}

/* Each file has all interfaces, those that came later too, and each process again. */
static void test_complete(void **state)
{
	const struct capture_file_options o = { .path = "f", .rotate_bytes = 5000 };
	struct capture_file *f = open_capture(&o);
	struct content c;
	struct usn_err e;

	(void)state;
	packet.rec.pid = packet.rec.tid = (__u32)getpid();
	strcpy(packet.rec.comm, "one");
	assert_int_equal(put_packets(f, 3, begin_ns, &e), 0);
	strcpy(packet.rec.comm, "two");
	assert_int_equal(put_packets(f, 1, begin_ns, &e), 0);
	assert_int_equal(capture_file_interface(f, 7, "usn0", &e), 0);
	assert_int_equal(capture_file_interface(f, 8, "usn1", &e), 0);
	assert_int_equal(put_packets(f, 2, begin_ns, &e), 0);
	packet.rec.ifindex = 8;
	assert_int_equal(put_packets(f, 2, begin_ns, &e), 0);
	strcpy(packet.rec.comm, "three");
	assert_int_equal(put_packets(f, 1, begin_ns, &e), 0);
	packet.rec.ifindex = 9;
	assert_int_equal(put_packets(f, 1, begin_ns, &e), -ENODEV);
	packet.rec.ifindex = 7;
	close_capture(f);
	assert_files("f f1");
	c = content_of("f");
	assert_int_equal(c.interfaces, 2);
	assert_int_equal(c.processes, 2);
	assert_int_equal(c.statistics, 2);
	c = content_of("f1");
	assert_int_equal(c.interfaces, 2);
	assert_int_equal(c.processes, 2);
	assert_int_equal(c.packets + content_of("f").packets, 9);
}

/* A number that went and came again is that of the newest name. */
static void test_number_again(void **state)
{
	const struct capture_file_options o = { .path = "f" };
	struct capture_file *f = open_capture(&o);
	struct content c;
	struct usn_err e;

	(void)state;
	packet.rec.lost = 5;
	assert_int_equal(put_packets(f, 1, begin_ns, &e), 0);
	assert_int_equal(capture_file_interface(f, 7, "usn3", &e), 0);
	packet.rec.lost = 2;
	assert_int_equal(put_packets(f, 1, begin_ns, &e), 0);
	close_capture(f);
	c = content_of("f");
	assert_int_equal(c.interfaces, 2);
	assert_int_equal(c.lost, 7);
	assert_int_equal(c.received, 3);
}

/* Lost packets are told where they are missing, and each file's totals are its own. */
static void test_lost(void **state)
{
	const struct capture_file_options o = { .path = "f", .rotate_seconds = 10 };
	struct capture_file *f = open_capture(&o);
	struct usn_err e;
	struct content c;

	(void)state;
	packet.rec.lost = 4;
	assert_int_equal(put_packets(f, 2, begin_ns, &e), 0);
	assert_int_equal(capture_file_statistics(f, 7, 5, &e), 0);
	assert_int_equal(capture_file_flush(f, &e), 0);
	c = content_of("f");
	assert_int_equal(c.received, 7);
	assert_int_equal(c.dropped, 5);
	assert_int_equal(c.delivered, 2);
	assert_int_equal(c.lost, 4);
	packet.rec.lost = 6;
	assert_int_equal(put_packets(f, 3, begin_ns + 20 * S, &e), 0);
	close_capture(f);
	c = content_of("f");
	assert_int_equal(c.received, 5);
	assert_int_equal(c.dropped, 2);
	assert_int_equal(c.delivered, 3);
	assert_int_equal(c.lost, 2);
}

static void test_full_disk(void **state)
{
	const struct capture_file_options full = { .path = "/dev/full" },
					  o = { .path = "f", .rotate_bytes = 5000 };
	struct capture_file *f = open_capture(&full);
	struct rlimit old, tight;
	struct usn_err e;

	(void)state;
	assert_int_equal(put_packets(f, 1, begin_ns, &e), 0);
	assert_int_equal(capture_file_flush(f, &e), -ENOSPC);
	assert_string_equal(e.text, "cannot write to /dev/full: No space left on device; 0 packets "
				    "are safe in it");
	capture_file_free(f);

	/* The first file is out; of the second one a part. The size limit stands for a disk that is full. */
	f = open_capture(&o);
	assert_int_equal(put_packets(f, 6, begin_ns, &e), 0);
	assert_int_equal(put_packets(f, 3, begin_ns, &e), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	tight = old;
	tight.rlim_cur = 2500;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
	assert_int_equal(capture_file_flush(f, &e), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(content_of("f").packets + content_of("f1").packets,
			 capture_file_written(f));
	assert_in_range(capture_file_written(f), 5, 8);
	assert_non_null(strstr(e.text, "cannot write to f1: File too large; "));
	assert_string_equal(e.text + strlen(e.text) - strlen(" packets are safe"),
			    " packets are safe");
	capture_file_free(f);
}

/* The next file cannot be made: what is in the ones before is told, and nothing is written any more. */
static void test_no_next_file(void **state)
{
	const struct capture_file_options o = { .path = "f", .rotate_bytes = 5000 },
					  nowhere = { .path = "no/where" };
	struct capture_file *f = open_capture(&o), *none = NULL;
	struct usn_err e;
	int r;

	(void)state;
	assert_int_equal(mkdir("f1", 0700), 0);
	r = put_packets(f, 9, begin_ns, &e);
	assert_int_equal(r, -EISDIR);
	assert_int_equal(capture_file_written(f), content_of("f").packets);
	assert_non_null(strstr(e.text, "cannot open f1: Is a directory; "));
	assert_int_equal(put_packets(f, 1, begin_ns, &e), -EBADF);
	assert_int_equal(capture_file_statistics(f, 7, 0, &e), 0);
	assert_int_equal(capture_file_flush(f, &e), 0);
	assert_int_equal(rmdir("f1"), 0);
	capture_file_free(f);

	assert_int_equal(capture_file_open(&nowhere, &none, &e), -ENOENT);
	assert_null(none);
	assert_string_equal(e.text, "cannot open no/where: No such file or directory");
	assert_null(capture_file_free(NULL));
}

#define in_directory(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),    in_directory(test_one_file),
		in_directory(test_by_size),      in_directory(test_ring),
		in_directory(test_by_time),      in_directory(test_over),
		in_directory(test_by_both),      in_directory(test_complete),
		in_directory(test_number_again), in_directory(test_lost),
		in_directory(test_full_disk),    in_directory(test_no_next_file),
	};

	setenv("TZ", "UTC", 1);
	signal(SIGXFSZ, SIG_IGN);
	return cmocka_run_group_tests_name("capture_file", tests, NULL, NULL);
}
