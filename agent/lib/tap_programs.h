/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a tap has in the kernel: its programs with their constants, its maps, and where they hang. */
#ifndef USN_TAP_PROGRAMS_H
#define USN_TAP_PROGRAMS_H

#include <stdbool.h>
#include <tap_constants.h>
#include <usn.h>

#include "lib/clsact.h"
#include "lib/ring.h"

struct tap_bpf;

/* A device that the programs hang on. */
struct tap_place {
	uint32_t ifindex;
	int in_fd, out_fd; /* tcx links, or ... */
	struct clsact clsact;
};

struct tap_programs {
	struct tap_bpf *skel;
	uint64_t constants[TAP_CONSTANTS];
	int in_fd,
		out_fd; /* what is attached: the filters, if there are some; -1: nothing in that direction */
	int filter_fds[2];
	struct tap_place *places;
	size_t n_places;
};

int tap_programs_load(struct tap_programs *p, const struct usn_tap_options *o, struct usn_err *e);
void tap_programs_free(struct tap_programs *p);

int tap_programs_attach(struct tap_programs *p, uint32_t ifindex, const char *device,
			struct usn_err *e);
/* ifindex 0: from all devices. */
void tap_programs_detach(struct tap_programs *p, uint32_t ifindex);

int tap_programs_map_ring(const struct tap_programs *p, struct ring *r);
/* A ring buffer of the kernel's that is written to in order to wake: give back what is in it. */
int tap_programs_bell_fd(const struct tap_programs *p);
/* Packets lost so far of the device. */
uint64_t tap_programs_lost(const struct tap_programs *p, uint32_t ifindex);

#endif
