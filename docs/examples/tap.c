/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Prints the time, the process and the length of each packet of a device.
 *
 *     cc -O2 -o tap tap.c $(pkg-config --cflags --libs usn)
 *     ./tap usn0
 */
#include <inttypes.h>
#include <stdio.h>
#include <usn.h>

static void print(const struct usn_tap *t, const struct usn_record *p)
{
	uint64_t ns = usn_tap_real_ns(t, p->mono_ns);

	printf("%" PRIu64 ".%09" PRIu64 " %s %u/%.*s %u\n", ns / 1000000000, ns % 1000000000,
	       p->direction == USN_DIR_IN ? "In" : "Out", p->pid, USN_COMM_SIZE, p->comm, p->len);
}

int main(int argc, char **argv)
{
	struct usn_tap_options options = { .size = sizeof(options), .snaplen = 64 };
	const struct usn_record *p;
	struct usn_tap *t;
	struct usn_err e;

	if (argc != 2 || usn_tap_open(argv[1], &options, &t, &e) < 0) {
		fprintf(stderr, "tap: %s\n", argc == 2 ? e.text : "usage: tap DEVICE");
		return argc == 2 ? 1 : 2;
	}
	fprintf(stderr, "listening on %s\n", argv[1]);
	while (usn_tap_wait(t, -1) >= 0) {
		while ((p = usn_tap_next(t)))
			print(t, p);
		fflush(stdout);
	}
	usn_tap_close(t);
	return 0;
}
