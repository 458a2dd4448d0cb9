/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The kernel's verdict on a packet: a filter before a program that says 7, run with no device. Include after cmocka.h. */
#ifndef USN_TEST_FILTER_KERNEL_H
#define USN_TEST_FILTER_KERNEL_H

#include <bpf/bpf.h>
#include <stdint.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "tap/filter.h"

#define MATCH 7
#define NO_MATCH (-1)
#define SLOT 1
#define EMPTY_SLOT 0
#define BY_CALL_SLOT 2

/* BPF_PROG_TEST_RUN takes no packet that is only an Ethernet header, or less. */
#define SHORTEST 15

/* A program array with the program in SLOT. */
static inline int program_array(const struct bpf_insn *insns, size_t n)
{
	int array = bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, "usn_test", 4, 4, 3, NULL);
	int prog =
		bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "usn_test", "Dual BSD/GPL", insns, n, NULL);
	uint32_t slot = SLOT;

	assert_true(array >= 0);
	assert_true(prog >= 0);
	assert_int_equal(bpf_map_update_elem(array, &slot, &prog, 0), 0);
	close(prog);
	return array;
}

static inline int array_of_match(void)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = MATCH },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return program_array(insns, ARRAY_SIZE(insns));
}

static inline int kernel_verdict(int prog_fd, const void *packet, uint32_t len)
{
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = packet, .data_size_in = len, .repeat = 1);

	assert_true(len >= SHORTEST);
	assert_int_equal(bpf_prog_test_run_opts(prog_fd, &o), 0);
	return (int)o.retval;
}

static inline int must_load(const struct filter *f, int array)
{
	struct usn_err e;
	int fd = -1;

	if (filter_load(f, &(struct filter_stages){ array, SLOT, BY_CALL_SLOT }, &fd, &e) < 0)
		fail_msg("not loaded: %s", e.text);
	return fd;
}

static inline struct filter *must_compile(const char *expression)
{
	struct filter *f = NULL;
	struct usn_err e;

	if (filter_compile(expression, &f, &e) < 0)
		fail_msg("not compiled: %s", e.text);
	return f;
}

#endif
