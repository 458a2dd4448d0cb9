/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * For tests that ask the kernel about BPF programs: where there is no bpf(2) at all, as in an
 * emulated process (qemu-user), they are skipped. Include after cmocka.h.
 */
#ifndef USN_TEST_NEEDS_BPF_H
#define USN_TEST_NEEDS_BPF_H

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

/* True: each of the tests was told as skipped, in TAP. */
static inline bool skipped_without_bpf(const struct CMUnitTest tests[], size_t n)
{
	size_t i;

	if (syscall(SYS_bpf, 0, NULL, 0) >= 0 || errno != ENOSYS)
		return false;
	printf("1..%zu\n", n);
	for (i = 0; i < n; i++)
		printf("ok %zu - %s # skip bpf(2) is not there\n", i + 1, tests[i].name);
	return true;
}

#endif
