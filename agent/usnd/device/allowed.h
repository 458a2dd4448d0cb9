/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Who may use a device beside root, as User= and Group= of its file say. */
#ifndef USN_ALLOWED_H
#define USN_ALLOWED_H

#include <stddef.h>
#include <sys/types.h>

#define ALLOWED_MAX 64 /* users, and groups, of a file */

struct usn_err;

/*
 * Appends the users, or the groups, of one line to a list of *n: names or numbers, with spaces
 * between them. An empty line clears the list.
 */
int allowed_users(const char *value, uid_t users[ALLOWED_MAX], size_t *n, struct usn_err *e);
int allowed_groups(const char *value, gid_t groups[ALLOWED_MAX], size_t *n, struct usn_err *e);

#endif
