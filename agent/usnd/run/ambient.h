/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Ambient mode: ND in the environment of any process binds its sockets, below a cgroup. */
#ifndef USN_AMBIENT_H
#define USN_AMBIENT_H

#include <stdbool.h>
#include <stdint.h>

#include <usn/abi.h>

struct agent;
struct ambient;
struct device;
struct loaded;
struct usn_err;

/* Takes over what an earlier agent left on. */
int ambient_open(struct agent *a, struct usn_err *e);
struct ambient *ambient_free(struct ambient *m);

/*
 * Loads the programs as ambient_on() does, but pins and attaches none. -ENOSYS: the kernel cannot
 * have the mode.
 */
int ambient_try(struct loaded *ret, struct usn_err *e);

/*
 * path: relative to the cgroup v2 tree or where that is mounted; NULL: all of it. On there already:
 * nothing.
 */
int ambient_on(struct agent *a, const char *path, struct usn_err *e);
void ambient_off(struct agent *a);

/* The device may be named from here on, if its settings say so; or no longer. */
int ambient_admit(struct device *d, struct usn_err *e);
void ambient_dismiss(struct device *d);

/* What it is on for; malloced, NULL if that cgroup is gone. */
char *ambient_path(const struct agent *a);
int ambient_counters(const struct agent *a, struct usn_ambient_counters *ret);

#endif
