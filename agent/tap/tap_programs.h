/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a tap has in the kernel: its programs with their constants, its maps, and where they hang.
 */
#ifndef USN_TAP_PROGRAMS_H
#define USN_TAP_PROGRAMS_H

#include <stdbool.h>
#include <tap_constants.h>
#include <usn.h>

#include "tap/clsact.h"
#include "tap/ring.h"

struct filter;
struct loaded;
struct tap_bpf;
struct tap_loan;

/* A device that the programs hang on. */
struct tap_place {
	uint32_t ifindex;
	int in_fd, out_fd; /* tcx links, or ... */
	struct clsact clsact;
};

struct tap_programs {
	struct tap_bpf *skel; /* NULL: another process has loaded them, and lent what is below */
	uint64_t constants[TAP_CONSTANTS];
	/*
	 * The maps. bell: a ring buffer of the kernel's that is written to in order to wake.
	 * stages: where a filter goes on; the kernel empties it when nobody has it open.
	 */
	int ring_fd, bell_fd, stages_fd;
	int writers_fd; /* what only the programs use */
	int losses_fd;  /* ifindex -> slot; -1: another process keeps it */
	/* What is attached: the filters, if there are some; -1: nothing in that direction. */
	int in_fd, out_fd;
	int filter_fds[2];
	struct tap_place *places;
	size_t n_places;
	/* ifindexes, of all devices there ever were: where their losses are counted. */
	uint32_t *slots;
	size_t n_slots;
};

/*
 * cgroup: its id, 0: any. f NULL: no filter. Those of the options, a path and a text, do not count.
 */
int tap_programs_load(struct tap_programs *p, const struct usn_tap_options *o, uint64_t cgroup,
		      const struct filter *f, struct usn_err *e);

/*
 * Loads and frees them again, without an agent and its maps: whether they can be loaded.
 * -ENOSYS: the kernel is too old.
 */
int tap_programs_try(const struct usn_tap_options *o, uint64_t cgroup, const struct filter *f,
		     struct loaded *ret, struct usn_err *e);

/* The programs of another process. The loan's maps are taken; its lender stays the caller's. */
void tap_programs_borrow(struct tap_programs *p, const struct tap_loan *l);
void tap_programs_free(struct tap_programs *p);

bool tap_programs_hang_on(const struct tap_programs *p, uint32_t ifindex);

/* Not on one that they hang on already. */
int tap_programs_attach(struct tap_programs *p, uint32_t ifindex, const char *device,
			struct usn_err *e);
/* The same of borrowed ones: the links (taken; -1: none) are there. */
int tap_programs_place(struct tap_programs *p, uint32_t ifindex, int in_fd, int out_fd);
/*
 * The links of the device that was attached last go over to the caller; -1:
 * what there is is no link.
 */
void tap_programs_give(struct tap_programs *p, int *ret_in_fd, int *ret_out_fd);
/* ifindex 0: from all devices. */
void tap_programs_detach(struct tap_programs *p, uint32_t ifindex);

int tap_programs_map_ring(const struct tap_programs *p, struct ring *r);
/* Where the device's losses are counted in the ring; -1: nowhere. */
int tap_programs_slot(const struct tap_programs *p, uint32_t ifindex);

#endif
