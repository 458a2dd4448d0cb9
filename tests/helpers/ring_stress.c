// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Writers on several processors and a reader, as fast as they can, by a ring that is soon gone round.
 *
 *     ring_stress DEVICE ADDRESS WRITERS COUNT    as TAP; to be run on the device, as root
 *
 * Each writer is a process that sends COUNT datagrams to an IPv4 address behind the device, from a new socket now and then.
 * What is in a datagram tells its writer and its number, so that a record that is read before it is whole, or is written over
 * while it is read, or names another process, is seen.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <usn.h>

#define MOST_WRITERS 64
#define PER_SOCKET 64
#define LONGEST 1000
#define PORT 9
#define PATIENCE 20 /* seconds, for a datagram that was sent */
#define HEADERS 28  /* of IPv4 and UDP */
#define NAME "ring_stress"

struct datagram {
	uint32_t writer, pid, number, length;
	uint8_t fill[LONGEST]; /* length bytes, all the same */
};

/* Shared by the processes. */
static struct {
	uint32_t sent[MOST_WRITERS];
	uint32_t seen; /* so far */
} * shared;

static struct sockaddr_in to = { .sin_family = AF_INET };

static int told; /* tests */

/* What was read. */
static uint64_t seen, last[MOST_WRITERS];

/* How many datagrams a writer may be ahead of the reader. */
static uint64_t most_ahead;

static void fail(const char *what)
{
	printf("not ok %d - %s (%s)\n", ++told, what, strerror(errno));
	exit(1);
}

static uint8_t byte_of(uint32_t writer, uint32_t number)
{
	return (uint8_t)(number * 7 + writer);
}

static int connected(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		_exit(1);
	return fd;
}

static void send_all(uint32_t writer, uint32_t count)
{
	struct datagram d = { .writer = writer, .pid = (uint32_t)getpid() };
	int fd = -1;

	for (d.number = 1; d.number <= count; d.number++) {
		if (d.number % PER_SOCKET == 1) {
			if (fd >= 0)
				close(fd);
			fd = connected();
		}
		while (d.number > most_ahead + __atomic_load_n(&shared->seen, __ATOMIC_RELAXED))
			sched_yield();
		d.length = (d.number * 37 + writer * 11) % LONGEST;
		memset(d.fill, byte_of(writer, d.number), d.length);
		if (send(fd, &d, offsetof(struct datagram, fill) + d.length, 0) >= 0)
			shared->sent[writer]++;
	}
	_exit(0);
}

static void begin(uint32_t writers, uint32_t count)
{
	uint32_t i;

	seen = 0;
	memset(last, 0, sizeof(last));
	memset(shared, 0, sizeof(*shared));
	fflush(stdout);
	for (i = 0; i < writers; i++) {
		pid_t pid = fork();

		if (pid < 0)
			fail("fork");
		if (!pid)
			send_all(i, count);
	}
}

/* NULL, or what is wrong with the record. */
static const char *fault(const struct usn_record *p)
{
	const uint8_t *packet = (const uint8_t *)(p + 1);
	struct datagram d;
	uint32_t i;

	if (p->caplen != p->len || p->caplen < HEADERS + offsetof(struct datagram, fill))
		return "a packet of another length";
	memcpy(&d, packet + HEADERS, offsetof(struct datagram, fill));
	if (d.writer >= MOST_WRITERS || d.length > LONGEST ||
	    p->caplen != HEADERS + offsetof(struct datagram, fill) + d.length)
		return "a record that is not whole";
	for (i = 0; i < d.length; i++) {
		if (packet[HEADERS + offsetof(struct datagram, fill) + i] !=
		    byte_of(d.writer, d.number))
			return "a record that is not whole";
	}
	if (p->pid != d.pid || strncmp(p->comm, NAME, sizeof(p->comm)) != 0)
		return "a record that names another process";
	if (d.number <= last[d.writer])
		return "a record before one that was sent earlier";
	last[d.writer] = d.number;
	return NULL;
}

static void look_at(const struct usn_record *p)
{
	const char *what = fault(p);

	if (what) {
		printf("not ok %d - %s, after %llu that were right\n", ++told, what,
		       (unsigned long long)seen);
		exit(1);
	}
	__atomic_store_n(&shared->seen, ++seen, __ATOMIC_RELAXED);
}

/* Waits for writers that have ended; false: some have not. */
static bool have_ended(uint32_t *left)
{
	int status;

	while (*left && waitpid(-1, &status, WNOHANG) > 0) {
		if (status)
			fail("a writer could not send");
		--*left;
	}
	return !*left;
}

static uint64_t lost_of(struct usn_tap *t)
{
	struct usn_tap_stats stats;

	usn_tap_stats(t, 0, &stats);
	return stats.lost;
}

static struct usn_tap *open_tap(const char *device, uint32_t flags)
{
	struct usn_tap_options o = {
		.size = sizeof(o), .snaplen = 2048, .ring_bytes = 65536, .flags = flags
	};
	struct usn_tap *t;
	struct usn_err e;

	if (usn_tap_open(device, &o, &t, &e) < 0) {
		printf("not ok %d - %s\n", ++told, e.text);
		exit(1);
	}
	return t;
}

/* Reads until all writers have ended and nothing is left. */
static void race(const char *name, const char *device, uint32_t flags, uint32_t writers,
		 uint32_t count)
{
	struct usn_tap *t = open_tap(device, flags);
	const struct usn_record *p;
	uint64_t all = 0;
	uint32_t i, left = writers;
	bool ended;

	most_ahead = UINT32_MAX;
	begin(writers, count);
	do {
		ended = have_ended(&left);
		usn_tap_wait(t, 2 * USN_TAP_WAIT_MS);
		while ((p = usn_tap_next(t)))
			look_at(p);
	} while (!ended);
	for (i = 0; i < writers; i++)
		all += shared->sent[i];
	printf("# %llu sent, %llu seen, %llu lost\n", (unsigned long long)all,
	       (unsigned long long)seen, (unsigned long long)lost_of(t));
	printf("%sok %d - %s\n", all && all == seen + lost_of(t) ? "" : "not ", ++told, name);
	usn_tap_close(t);
}

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* A writer that waits for the reader before the ring is full, and a reader that waits for the bell, in vain if it is not rung. */
static void wake(const char *device, uint32_t count)
{
	struct usn_tap *t = open_tap(device, USN_TAP_IMMEDIATE);
	const struct usn_record *p;
	uint32_t left = 1, waits = 0;
	double began, longest = 0;

	most_ahead = 20;
	begin(1, count);
	while (seen < count && longest < PATIENCE) {
		began = seconds();
		usn_tap_wait(t, PATIENCE * 1000);
		longest = seconds() - began > longest ? seconds() - began : longest;
		waits++;
		while ((p = usn_tap_next(t)))
			look_at(p);
	}
	printf("# %llu seen, %llu lost, %u waits, %.3f s the longest\n", (unsigned long long)seen,
	       (unsigned long long)lost_of(t), waits, longest);
	printf("%sok %d - a reader that waits is woken\n", longest < PATIENCE ? "" : "not ",
	       ++told);
	/* One that still waits need not. */
	__atomic_store_n(&shared->seen, count, __ATOMIC_RELAXED);
	while (!have_ended(&left))
		usleep(1000);
	usn_tap_close(t);
}

int main(int argc, char **argv)
{
	uint32_t writers = argc == 5 ? (uint32_t)strtoul(argv[3], NULL, 10) : 0;
	uint32_t count = argc == 5 ? (uint32_t)strtoul(argv[4], NULL, 10) : 0;

	if (!count || !writers || writers > MOST_WRITERS ||
	    inet_pton(AF_INET, argv[2], &to.sin_addr) != 1)
		return 2;
	to.sin_port = htons(PORT);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	printf("1..3\n");
	if (shared == MAP_FAILED)
		fail("mmap");
	race("records are whole, of their process, in order, and all are counted", argv[1], 0,
	     writers, count);
	race("so they are where each is rung for", argv[1], USN_TAP_IMMEDIATE, writers, count);
	wake(argv[1], count);
	return 0;
}
