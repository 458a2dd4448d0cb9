// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Filters: into the kernel. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdbool.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "tap/filter.h"
#include "tap/filter_parts.h"

/* Only the protocol chains of pcap-filter(7) have one, and libpcap's validation lets it pass. */
static bool has_loop(const struct filter *f)
{
	for (size_t i = 0; i < f->n; i++) {
		if (f->insns[i].code == (BPF_JMP | BPF_JA) && f->insns[i].k >= f->n - i - 1)
			return true;
	}
	return false;
}

/* ENOMEM, ERANGE: the kernel rewrites the packet loads, and a jump has become too long by that. */
static bool is_too_large(int r)
{
	return r == -E2BIG || r == -ENOMEM || r == -ERANGE;
}

int filter_load_form(const struct filter *f, bool in_place, const struct filter_stages *stages)
{
	_cleanup_free_ struct bpf_insn *insns = NULL;
	size_t n = 0;
	int r = filter_translate(f, in_place, stages, &insns, &n);

	if (r < 0)
		return r;
	return bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "usn_filter", "Dual BSD/GPL", insns, n, NULL);
}

static int refuse_to_load(const struct filter *f, int r, struct usn_err *e)
{
	if (is_too_large(r))
		return usn_fail(e, E2BIG,
				"the filter is too large for the kernel (%zu instructions): make "
				"it shorter",
				f->n);
	if (r == -EPERM)
		return usn_fail(e, EPERM, "only root can load a filter: run this as root");
	return usn_fail_errno(e, -r, "the kernel does not accept the filter");
}

int filter_load(const struct filter *f, const struct filter_stages *stages, int *ret_prog_fd,
		struct usn_err *e)
{
	_cleanup_close_ int by_call = -1, in_place = -1;
	int r;

	if (has_loop(f))
		return usn_fail(e, EOPNOTSUPP,
				"the kernel cannot run a filter with protochain: it is a loop");
	by_call = filter_load_form(f, false, stages);
	if (by_call < 0)
		return refuse_to_load(f, by_call, e);
	in_place = filter_load_form(f, true, stages);
	/* Whatever a verifier has against the faster form: the other says the same. */
	if (in_place < 0) {
		*ret_prog_fd = TAKE_FD(by_call);
		return 0;
	}
	r = bpf_map_update_elem(stages->prog_array_fd, &stages->by_call, &by_call, BPF_ANY);
	if (r < 0)
		return usn_fail_errno(e, -r, "cannot put the filter in its place");
	*ret_prog_fd = TAKE_FD(in_place);
	return 0;
}
