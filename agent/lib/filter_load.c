// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Filters: into the kernel. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdbool.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "lib/filter.h"
#include "lib/filter_parts.h"

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

int filter_load_form(const struct filter *f, bool in_place, int prog_array_fd, uint32_t slot)
{
	_cleanup_free_ struct bpf_insn *insns = NULL;
	size_t n = 0;
	int r = filter_translate(f, in_place, prog_array_fd, slot, &insns, &n);

	if (r < 0)
		return r;
	return bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "usn_filter", "Dual BSD/GPL", insns, n, NULL);
}

int filter_load(const struct filter *f, int prog_array_fd, uint32_t slot, int *ret_prog_fd,
		struct usn_err *e)
{
	int fd;

	if (has_loop(f))
		return usn_fail(e, EOPNOTSUPP,
				"the kernel cannot run a filter with protochain: it is a loop");
	/* Whatever a verifier has against the first form: the second says the same. */
	fd = filter_load_form(f, true, prog_array_fd, slot);
	if (fd < 0 && fd != -EPERM)
		fd = filter_load_form(f, false, prog_array_fd, slot);
	if (is_too_large(fd))
		return usn_fail(e, E2BIG,
				"the filter is too large for the kernel (%zu instructions): make "
				"it shorter",
				f->n);
	if (fd == -EPERM)
		return usn_fail(e, EPERM, "only root can load a filter: run this as root");
	if (fd < 0)
		return usn_fail_errno(e, -fd, "the kernel does not accept the filter");
	*ret_prog_fd = fd;
	return 0;
}
