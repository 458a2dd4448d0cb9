/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The cgroup v2 tree: where it is, and what the agent needs of its directories. */
#ifndef USN_CGROUP_H
#define USN_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct usn_err;

/*
 * Opens the root of the cgroup v2 tree: wherever mountinfo has it (on hybrid hosts not /sys/fs/cgroup).
 * A mount of the whole tree is preferred to one of a part. ret_path, malloced, names it.
 */
int cgroup_open_root(int *ret_fd, char **ret_path, struct usn_err *e);

/* The id that BPF programs see: bpf_get_current_cgroup_id(). 0 or -errno. */
int cgroup_id(int dir_fd, uint64_t *ret);

/* path: relative to the tree, or where that is mounted; NULL: its root. -errno with the reason. */
int cgroup_open(int root_fd, const char *root_path, const char *path, struct usn_err *e);

/* By the id that BPF programs see. -errno: there is none, or no more. */
int cgroup_open_id(int root_fd, uint64_t id);

/* Where an open cgroup is; malloced, NULL: unknown. */
char *cgroup_path(int dir_fd);

/* Whether it was removed: the descriptor alone keeps it. */
bool cgroup_removed(int dir_fd);

/* Whether any process is in the cgroup or below it. */
bool cgroup_populated(int dir_fd);

/* All processes in the cgroup and below it; *ret is malloced. 0 or -errno. */
int cgroup_pids(int dir_fd, pid_t **ret, size_t *ret_n);

/* Removes a cgroup of the parent's with what is nested in it, all without processes. 0 or -errno. */
int cgroup_remove(int parent_fd, const char *name);

/* Takes the calling process out of a cgroup at or below path (relative to the root), into the root. */
int cgroup_leave(int root_fd, const char *path);

#endif
