// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Holds libusn to what usn.h says. Built by the test against the installed library.
 *
 *     contract errors DEVICE   every way of failing
 *     contract agentless       without an agent
 *     contract wait DEVICE     an idle device: waiting ends in time
 *     contract poll DEVICE     says "ready", then waits for packets by poll(2)
 *     contract behind DEVICE   without the reader's clock; says "ready"; after a line and packets, says "few"; after a second
 *                              line and many more, waits until it is woken
 *     contract hold DEVICE     says "ready"; after a line, takes a batch and says "held N"; after a second line, compares
 *                              the batch with what it was, and reads the rest
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
#include <usn.h>

#define CHECK(x)                                                                        \
	do {                                                                            \
		if (!(x)) {                                                             \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #x); \
			exit(1);                                                        \
		}                                                                       \
	} while (0)

#define VIEWS 64
#define NOBODY 65534

static struct usn_tap *open_tap(const char *device, const struct usn_tap_options *o)
{
	struct usn_tap *t = NULL;
	struct usn_err e;
	int r = usn_tap_open(device, o, &t, &e);

	if (r < 0)
		fprintf(stderr, "%s\n", e.text);
	CHECK(r == 0 && t);
	return t;
}

/* Fails as it should, with one line of reason, and without one; what would have been the result is not touched. */
static void refused(int error, const char *device, const struct usn_tap_options *o)
{
	struct usn_tap *untouched = (void *)&untouched, *t = untouched;
	struct usn_err e = { 0 };

	CHECK(usn_tap_open(device, o, &t, &e) == -error);
	CHECK(t == untouched);
	CHECK(e.code == error && *e.text && !strchr(e.text, '\n'));
	CHECK(usn_tap_open(device, o, &t, NULL) == -error);
	CHECK(t == untouched);
}

#define OPTIONS(...) \
	(&(struct usn_tap_options){ .size = sizeof(struct usn_tap_options), __VA_ARGS__ })

static void wrong_options(const char *device)
{
	refused(ENODEV, "usn4095", NULL);
	refused(EINVAL, device, &(struct usn_tap_options){ .size = 0 });
	refused(EINVAL, device, &(struct usn_tap_options){ .size = 8 });
	refused(EINVAL, device, OPTIONS(.reserved = 1));
	refused(EINVAL, device, OPTIONS(.snaplen = 65536));
	refused(EINVAL, device, OPTIONS(.ring_bytes = (1u << 30) + 1));
	refused(EINVAL, device, OPTIONS(.directions = 4));
	refused(EINVAL, device, OPTIONS(.flags = 128));
	refused(EINVAL, device, OPTIONS(.comm = ""));
	refused(EINVAL, device, OPTIONS(.comm = "sixteen-bytes-xx"));
	refused(EINVAL, device, OPTIONS(.filter = "no such expression"));
	refused(ENOENT, device, OPTIONS(.cgroup = "/no/such/cgroup"));
}

static void errors(const char *device)
{
	struct usn_tap *t;
	struct usn_err e;
	char name[16];

	wrong_options(device);
	usn_tap_close(NULL);
	t = open_tap(NULL, NULL);
	CHECK(!usn_tap_next(t));
	CHECK(usn_tap_add(t, "usn4095", &e) == -ENODEV && *e.text);
	CHECK(usn_tap_add(t, "usn4095", NULL) == -ENODEV);
	CHECK(usn_tap_add(t, NULL, &e) == -EINVAL && *e.text);
	/* Whatever the caller had its name in may change. */
	snprintf(name, sizeof(name), "%s", device);
	CHECK(usn_tap_add(t, name, NULL) == 0);
	memset(name, 'x', sizeof(name));
	CHECK(usn_tap_add(t, device, &e) == -EEXIST && *e.text);
	usn_tap_remove(t, 0);
	CHECK(usn_tap_add(t, device, NULL) == 0);
	usn_tap_close(t);

	CHECK(seteuid(NOBODY) == 0);
	refused(EPERM, device, NULL);
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void nothing(int signal)
{
	(void)signal;
}

static void waiting(const char *device)
{
	struct usn_tap *t = open_tap(device, OPTIONS(.filter = "icmp"));
	const struct itimerval soon = { .it_value.tv_usec = 60000 };
	int64_t begin = now_ms();

	CHECK(usn_tap_wait(t, 0) == 0);
	CHECK(usn_tap_wait(t, 100) == 0);
	CHECK(now_ms() - begin >= 99 && now_ms() - begin < 5000);
	signal(SIGALRM, nothing);
	CHECK(setitimer(ITIMER_REAL, &soon, NULL) == 0);
	CHECK(usn_tap_wait(t, -1) == -EINTR);
	usn_tap_close(t);
}

static void say(const char *what, size_t n)
{
	printf("%s %zu\n", what, n);
	fflush(stdout);
}

static void polling(const char *device)
{
	struct usn_tap *t = open_tap(device, OPTIONS(.filter = "icmp", .flags = USN_TAP_IMMEDIATE));
	struct pollfd p = { .fd = usn_tap_fd(t), .events = POLLIN };

	CHECK(poll(&p, 1, 0) == 0);
	say("ready", 0);
	CHECK(poll(&p, 1, 10000) == 1);
	CHECK(usn_tap_wait(t, 0) == 1);
	CHECK(usn_tap_next(t));
	usn_tap_close(t);
}

/* The descriptor becomes readable when nothing comes, too, but no more often than is said. */
static void ticking(const char *device)
{
	struct usn_tap *t = open_tap(device, OPTIONS(.filter = "icmp"));
	struct pollfd p = { .fd = usn_tap_fd(t), .events = POLLIN };
	int64_t begin = now_ms(), passed = 0;
	int ticks = 0;

	while (passed < 5 * USN_TAP_WAIT_MS) {
		CHECK(poll(&p, 1, 10000) == 1);
		CHECK(!usn_tap_next(t));
		ticks++;
		passed = now_ms() - begin;
	}
	CHECK(ticks <= passed / USN_TAP_WAIT_MS + 1);
	usn_tap_close(t);
}

/* The tap has the one timer of this process. */
static void stop_timer(void)
{
	const struct itimerspec never = { 0 };
	char name[32], what[PATH_MAX];
	int fd, stopped = 0;

	for (fd = 0; fd < 256; fd++) {
		snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
		memset(what, 0, sizeof(what));
		if (readlink(name, what, sizeof(what) - 1) < 0 || !strstr(what, "[timerfd]"))
			continue;
		CHECK(timerfd_settime(fd, 0, &never, NULL) == 0);
		stopped++;
	}
	CHECK(stopped == 1);
}

/* Who looks seldom is woken when half of the ring is not read, and not before. */
static void behind(const char *device)
{
	struct usn_tap *t = open_tap(device, OPTIONS(.ring_bytes = 65536, .snaplen = 96));
	struct pollfd p = { .fd = usn_tap_fd(t), .events = POLLIN };
	struct usn_tap_stats s;

	stop_timer();
	CHECK(poll(&p, 1, 0) == 0);
	say("ready", 0);
	getchar();
	CHECK(poll(&p, 1, 0) == 0);
	say("few", 0);
	getchar();
	CHECK(poll(&p, 1, 10000) == 1);
	while (usn_tap_next(t))
		;
	CHECK(usn_tap_stats(t, 0, &s) == 0);
	printf("delivered %" PRIu64 " lost %" PRIu64 "\n", s.delivered, s.lost);
	usn_tap_close(t);
}

/* Whether the wall time of a packet that has just passed is that of the wall's clock. */
static void check_time(const struct usn_tap *t, const struct usn_record *p)
{
	CHECK(llabs((long long)(usn_tap_real_ns(t, p->mono_ns) / 1000000000) -
		    (long long)time(NULL)) < 60);
}

static void rest(struct usn_tap *t)
{
	const struct usn_record *p, *last = NULL;
	struct usn_tap_stats all, one;
	uint32_t ifindex = 0;
	size_t n = 0;

	while ((p = usn_tap_next(t))) {
		last = p;
		ifindex = p->ifindex;
		n++;
	}
	CHECK(last);
	CHECK(usn_tap_stats(t, 0, &all) == 0 && usn_tap_stats(t, ifindex, &one) == 0);
	CHECK(all.lost == one.lost && all.lost > 0);
	printf("delivered %" PRIu64 " lost %" PRIu64 "\n", all.delivered, all.lost);
}

/* A small ring, so that what comes afterwards is more than it holds. */
static void hold(const char *device)
{
	struct usn_tap *t =
		open_tap(device, OPTIONS(.ring_bytes = 4096, .filter = "icmp", .snaplen = 84));
	const struct usn_record *views[VIEWS];
	static uint8_t copies[VIEWS][sizeof(**views) + 84];
	size_t i, n;

	say("ready", 0);
	getchar();
	n = usn_tap_batch(t, views, VIEWS);
	for (i = 0; i < n; i++) {
		CHECK(views[i]->caplen == 84 && views[i]->len == 84);
		CHECK(!i || views[i]->mono_ns >= views[i - 1]->mono_ns);
		check_time(t, views[i]);
		memcpy(copies[i], views[i], sizeof(copies[i]));
	}
	say("held", n);
	getchar();
	for (i = 0; i < n; i++)
		CHECK(memcmp(copies[i], views[i], sizeof(copies[i])) == 0);
	rest(t);
	usn_tap_close(t);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "", *device = argc > 2 ? argv[2] : NULL;

	if (!strcmp(what, "errors"))
		errors(device);
	else if (!strcmp(what, "agentless"))
		refused(ENOENT, NULL, NULL);
	else if (!strcmp(what, "wait"))
		waiting(device), ticking(device);
	else if (!strcmp(what, "poll"))
		polling(device);
	else if (!strcmp(what, "behind"))
		behind(device);
	else if (!strcmp(what, "hold"))
		hold(device);
	else
		return 2;
	return 0;
}
