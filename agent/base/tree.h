/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A process with all its descendants, and moving them into a cgroup. */
#ifndef USN_TREE_H
#define USN_TREE_H

#include <stddef.h>
#include <sys/types.h>

struct usn_err;

/*
 * The process and its descendants as they are now, itself first; *ret is malloced.
 * -ESRCH: there is no such process.
 */
int tree_list(pid_t pid, pid_t **ret, size_t *ret_n);

/*
 * Writes the process and its descendants into a cgroup.procs, until a look at them finds none that
 * was not: what a process forks after it was moved is there by birth. *ret has all that were found,
 * malloced. What fails is named in *e with the number of those that had been moved before.
 */
int tree_move(pid_t pid, int procs_fd, pid_t **ret, size_t *ret_n, struct usn_err *e);

#endif
