/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Ownership: a local that owns something says so where it is declared, and gives it away by name.
 */
#ifndef USN_CLEANUP_H
#define USN_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((cleanup(f)))

static inline void freep(void *p)
{
	free(*(void **)p);
}

/* Closes and keeps errno: it runs on error paths. Returns -1, for fd = close_fd(fd). */
int close_fd(int fd);

/*
 * Puts /dev/null where descriptors 0 to 2 are closed, so that nothing we open is taken for one of
 * them, and for reading only, so that it shows when output has nowhere to go. They go at exec:
 * a program that is started finds them as closed as its caller had them.
 */
void ensure_stdio(void);

static inline void closep(int *fd)
{
	close_fd(*fd);
}

static inline void fclosep(FILE **f)
{
	if (*f)
		fclose(*f);
}

#define _cleanup_free_ _cleanup_(freep)
#define _cleanup_close_ _cleanup_(closep)
#define _cleanup_fclose_ _cleanup_(fclosep)

#define TAKE_PTR(p)                       \
	({                                \
		__typeof__(p) *_p = &(p); \
		__typeof__(p) _v = *_p;   \
		*_p = NULL;               \
		_v;                       \
	})

#define TAKE_FD(fd)            \
	({                     \
		int _f = (fd); \
		(fd) = -1;     \
		_f;            \
	})

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif
