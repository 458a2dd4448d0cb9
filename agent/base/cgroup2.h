/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The cgroup v2 tree: where it is, and the ids of its cgroups. */
#ifndef USN_CGROUP2_H
#define USN_CGROUP2_H

#include <stdint.h>
#include <sys/types.h>

struct usn_err;

/*
 * Opens the root of the cgroup v2 tree: wherever mountinfo has it (on hybrid hosts not
 * /sys/fs/cgroup). A mount of the whole tree is preferred to one of a part.
 * ret_path, malloced, names it.
 */
int cgroup_open_root(int *ret_fd, char **ret_path, struct usn_err *e);

/* The id that BPF programs see: bpf_get_current_cgroup_id(). 0 or -errno. */
int cgroup_id(int dir_fd, uint64_t *ret);

/* path: relative to the tree, or where that is mounted; NULL: its root. -errno with the reason. */
int cgroup_open(int root_fd, const char *root_path, const char *path, struct usn_err *e);

/* The id of a run ("usn0-1"), or of a cgroup by its path as in cgroup_open(). */
int cgroup_find(const char *name, uint64_t *ret_id, struct usn_err *e);

/* Where a process is in the tree, "/" or below; malloced, NULL: unknown. */
char *cgroup_of_process(pid_t pid);

#endif
