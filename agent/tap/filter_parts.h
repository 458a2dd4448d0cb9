/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the files of the noun filter share.
 * Each of libpcap's header and the kernel's has a struct bpf_insn, so none has both.
 */
#ifndef USN_FILTER_PARTS_H
#define USN_FILTER_PARTS_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bpf_insn;
struct filter_stages;
struct usn_err;

/*
 * A classic program of 1 to BPF_MAXINSNS instructions:
 * all are known, and shifts are by 0 to 31. It may have a loop.
 */
struct filter {
	size_t n;
	struct sock_filter insns[];
};

/* A copy of the program, if it is one. */
int filter_from_classic(const struct sock_filter *insns, size_t n, struct filter **ret,
			struct usn_err *e);

/*
 * One of the two forms of the program for the kernel; filter_load() has the rest.
 * The caller frees it. There may be no loop. in_place:
 * the faster one, which leaves what it cannot read to the other. -E2BIG: a jump is too long.
 */
int filter_translate(const struct filter *f, bool in_place, const struct filter_stages *stages,
		     struct bpf_insn **ret_insns, size_t *ret_n);

/* The program's descriptor, or -errno. */
int filter_load_form(const struct filter *f, bool in_place, const struct filter_stages *stages);

#endif
