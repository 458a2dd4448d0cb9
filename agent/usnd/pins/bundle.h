/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A BPF object whose programs, links and maps stand in a directory of bpffs and outlive the agent.
 * The first agent publishes it by one rename; a later one takes the maps over and swaps its own
 * programs into the links, so that there is never a moment without a program.
 */
#ifndef USN_BUNDLE_H
#define USN_BUNDLE_H

#include <stdbool.h>

struct bpf_object;
struct usn_err;

struct bundle {
	struct bpf_object *obj;
	const char *dir;      /* where it stands */
	const char *staging;  /* beside it: no name that a person would use, and without a dot */
	const char *maps;     /* maps of this directory are shared, NULL: none */
	const char *compiler; /* who made the object */
};

/* Loads the object, and attaches all of its programs to the cgroup. */
int bundle_publish(const struct bundle *b, int cgroup_fd, struct usn_err *e);

/*
 * Loads the object in place of an earlier agent's. Without a cgroup (-1) the links stay where they
 * are.
 */
int bundle_take_over(const struct bundle *b, int cgroup_fd, struct usn_err *e);

/*
 * Attaches all programs to one more cgroup, by links pinned in a directory that is made; what fails
 * leaves nothing.
 */
int bundle_attach(const struct bundle *b, int cgroup_fd, const char *dir, struct usn_err *e);

/* Swaps the programs into the links of such a directory. 0 or -errno. */
int bundle_refresh(const struct bundle *b, const char *dir);

/* Removes a directory of bpffs with all there is in it: the programs are detached. */
void bundle_remove(const char *dir);

#endif
