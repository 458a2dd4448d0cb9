// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Any filter and any packet: both forms of the program that goes into the kernel say what libpcap's
 * bpf_filter() says, whichever part of the packet is in its first piece. They are interpreted
 * here; filter_kernel_fuzz.c has the kernel run them.
 */
#include <errno.h>

#include "filter_input.h"
#include "interpreter.h"

#define MATCH 1
#define BY_CALL 2

static const struct filter_stages stages = { .prog_array_fd = 5,
					     .match = MATCH,
					     .by_call = BY_CALL };

static int verdict(const struct filter *f, bool in_place, const uint8_t *packet, uint32_t len,
		   uint32_t linear)
{
	_cleanup_free_ struct bpf_insn *insns = NULL;
	size_t n = 0;
	int r = filter_translate(f, in_place, &stages, &insns, &n);

	demand(!r || r == -E2BIG);
	return r ? BY_CALL : interpret(insns, n, packet, len, linear);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(filter_freep) struct filter *f = NULL;
	_cleanup_free_ uint8_t *packet = NULL;
	uint32_t linear = 0;
	int want, got;

	f = take_filter(&data, &size, &linear);
	if (!f || !size)
		return 0;
	linear = linear > size ? (uint32_t)size : linear;
	/* Of its own, so that one byte beyond it is found. */
	packet = malloc(size);
	demand(packet != NULL);
	memcpy(packet, data, size);
	want = filter_matches(f, packet, (uint32_t)size, (uint32_t)size) ? MATCH : -1;
	demand(verdict(f, false, packet, (uint32_t)size, linear) == want);
	got = verdict(f, true, packet, (uint32_t)size, linear);
	demand(got == want || got == BY_CALL);
	return 0;
}
