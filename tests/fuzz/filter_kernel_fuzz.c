// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Any filter in the kernel: its verifier takes the program, and the kernel's verdict on every part
 * of the packet, from its first byte on, is libpcap's. Loading takes longest, so each input is many
 * packets.
 */
#include <bpf/bpf.h>
#include <errno.h>

#include "filter_input.h"

#define MATCH 7
#define NO_MATCH (-1)
#define SLOT 1
#define BY_CALL_SLOT 2
/* BPF_PROG_TEST_RUN takes no packet that is only an Ethernet header, or less. */
#define SHORTEST 15
#define PARTS 8

static int array = -1;

static int load(const struct bpf_insn *insns, size_t n)
{
	return bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "usn_fuzz", "Dual BSD/GPL", insns, n, NULL);
}

static void put_in_slot(uint32_t slot, int fd)
{
	demand(!bpf_map_update_elem(array, &slot, &fd, BPF_ANY));
}

/* Where a filter goes over to on a match. */
static void open_array(void)
{
	const struct bpf_insn say_match[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = MATCH },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	array = bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, "usn_fuzz", 4, 4, 3, NULL);
	demand(array >= 0);
	put_in_slot(SLOT, load(say_match, ARRAY_SIZE(say_match)));
}

/* With these types, BPF_PROG_TEST_RUN wants as much as an IP header behind the Ethernet header. */
static bool is_refused(const uint8_t *packet, size_t n)
{
	int type = packet[12] << 8 | packet[13];

	return (type == 0x0800 && n < 34) || (type == 0x86dd && n < 54);
}

static int kernel_verdict(int fd, const uint8_t *packet, size_t n)
{
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = packet, .data_size_in = (uint32_t)n,
		    .repeat = 1);

	demand(!bpf_prog_test_run_opts(fd, &o));
	return (int)o.retval;
}

static void check_part(const struct filter *f, const int fds[2], const uint8_t *packet, size_t n)
{
	int want = filter_matches(f, packet, (uint32_t)n, (uint32_t)n) ? MATCH : NO_MATCH;

	demand(kernel_verdict(fds[0], packet, n) == want);
	/* An old verifier gets lost in what no expression becomes: then the other form is used. */
	demand(fds[1] < 0 || kernel_verdict(fds[1], packet, n) == want);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct filter_stages stages = { .match = SLOT, .by_call = BY_CALL_SLOT };
	_cleanup_close_ int by_call = -1, in_place = -1;
	_cleanup_(filter_freep) struct filter *f = NULL;
	bool is_text = size && *data != '!';
	uint32_t unused;

	if (array < 0)
		open_array();
	stages.prog_array_fd = array;
	f = take_filter(&data, &size, &unused);
	if (!f || size < SHORTEST || size > 1500)
		return 0;
	by_call = filter_load_form(f, false, &stages);
	/* What is too long for a jump is refused with that reason. */
	if (by_call == -E2BIG || by_call == -ERANGE)
		return 0;
	demand(by_call >= 0);
	put_in_slot(BY_CALL_SLOT, by_call);
	in_place = filter_load_form(f, true, &stages);
	demand(in_place >= 0 || !is_text);
	for (size_t i = 0; i < PARTS && size - i >= SHORTEST; i++) {
		if (!is_refused(data + i, size - i))
			check_part(f, (const int[]){ by_call, in_place }, data + i, size - i);
	}
	return 0;
}
