// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A process with all its descendants. */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/parse.h"
#include "base/tree.h"

struct process {
	pid_t pid, parent;
};

struct processes {
	struct process *list;
	size_t n;
};

/*
 * "PID (COMM) STATE PPID ...": anything can be in the command, so from the last ')'. 0 or -ESRCH.
 */
static int read_parent(pid_t pid, pid_t *ret)
{
	char path[32], text[512], *end, state;
	_cleanup_fclose_ FILE *f = NULL;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;
	text[n] = '\0';
	end = strrchr(text, ')');
	if (!end || sscanf(end + 1, " %c %d", &state, ret) != 2)
		return -ESRCH;
	/* It has ended, and only waits to be noticed. */
	return state == 'Z' || state == 'X' ? -ESRCH : 0;
}

static int add(struct processes *all, pid_t pid, pid_t parent)
{
	struct process *more = realloc(all->list, (all->n + 1) * sizeof(*more));

	if (!more)
		return -ENOMEM;
	all->list = more;
	all->list[all->n++] = (struct process){ pid, parent };
	return 0;
}

static int read_all(struct processes *all)
{
	DIR *dir = opendir("/proc");
	struct dirent *d;
	int r = 0;

	if (!dir)
		return -errno;
	while (r >= 0 && (d = readdir(dir))) {
		uint32_t pid;
		pid_t parent;

		if (parse_u32(d->d_name, 1, INT32_MAX, &pid) >= 0 &&
		    read_parent((pid_t)pid, &parent) >= 0)
			r = add(all, (pid_t)pid, parent);
	}
	closedir(dir);
	return r;
}

static bool has(const pid_t *list, size_t n, pid_t pid)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (list[i] == pid)
			return true;
	}
	return false;
}

int tree_list(pid_t pid, pid_t **ret, size_t *ret_n)
{
	struct processes all = { 0 };
	size_t n = 0, done, i;
	int r = read_all(&all);
	pid_t *list = r < 0 ? NULL : calloc(all.n + 1, sizeof(*list));

	if (!list) {
		free(all.list);
		return r < 0 ? r : -ENOMEM;
	}
	for (i = 0; i < all.n && !n; i++) {
		if (all.list[i].pid == pid)
			list[n++] = pid;
	}
	/* The children of each that is found, which come behind it. */
	for (done = 0; done < n; done++) {
		for (i = 0; i < all.n; i++) {
			if (all.list[i].parent == list[done] && !has(list, n, all.list[i].pid))
				list[n++] = all.list[i].pid;
		}
	}
	free(all.list);
	if (!n) {
		free(list);
		return -ESRCH;
	}
	*ret = list;
	*ret_n = n;
	return 0;
}

/* Moves those of now that were not found before. Their number, or -errno. */
static int move_new(const pid_t *now, size_t n, const pid_t *before, size_t n_before, int procs_fd,
		    struct usn_err *e)
{
	int moved = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		char text[16];
		int len = snprintf(text, sizeof(text), "%d", now[i]);

		if (has(before, n_before, now[i]))
			continue;
		/* ESRCH: it has ended meanwhile. */
		if (write(procs_fd, text, (size_t)len) < 0 && errno != ESRCH)
			return usn_fail_errno(e, errno,
					      "cannot move process %d, %zu have been moved", now[i],
					      n_before + (size_t)moved);
		moved++;
	}
	return moved;
}

int tree_move(pid_t pid, int procs_fd, pid_t **ret, size_t *ret_n, struct usn_err *e)
{
	_cleanup_free_ pid_t *before = NULL;
	size_t n_before = 0;
	int moved;

	do {
		pid_t *now;
		size_t n;
		int r = tree_list(pid, &now, &n);

		if (r == -ESRCH)
			return usn_fail(e, ESRCH, "there is no process %d", pid);
		if (r < 0)
			return usn_fail_errno(e, -r, "cannot read the processes");
		moved = move_new(now, n, before, n_before, procs_fd, e);
		free(before);
		before = now;
		n_before = n;
	} while (moved > 0);
	if (moved < 0)
		return moved;
	*ret = TAKE_PTR(before);
	*ret_n = n_before;
	return 0;
}
