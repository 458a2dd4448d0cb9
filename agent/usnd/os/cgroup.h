/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the agent needs of the directories of the cgroup v2 tree. */
#ifndef USN_CGROUP_H
#define USN_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cgroup2.h"

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

/*
 * Removes a cgroup of the parent's with what is nested in it, all without processes. 0 or -errno.
 */
int cgroup_remove(int parent_fd, const char *name);

/*
 * Takes the calling process out of a cgroup at or below path (relative to the root), into the root.
 */
int cgroup_leave(int root_fd, const char *path);

#endif
