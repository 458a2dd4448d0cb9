// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Taps for others. */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "tap/filter.h"
#include "tap/filter_parts.h"
#include "tap/tap.h"
#include "tap/tap_programs.h"
#include "usnd/service/tapping.h"

struct tapping {
	struct tap_programs programs;
};

struct tapping *tapping_free(struct tapping *t)
{
	if (!t)
		return NULL;
	tap_programs_free(&t->programs);
	free(t);
	return NULL;
}

static int lend(int fd, struct usn_err *e)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	return copy < 0 ? usn_fail_errno(e, errno, "cannot lend a descriptor of the tap") : copy;
}

static bool fits(json_int_t value, json_int_t max)
{
	return value >= 0 && value <= max;
}

/*
 * It comes compiled: what somebody writes is not for root's libpcap to parse. Each instruction is
 * code, jt, jf, k.
 */
static int read_filter(const json_t *list, struct filter **ret, struct usn_err *e)
{
	size_t n = json_array_size(list), i;
	_cleanup_free_ struct sock_filter *insns = calloc(n + 1, sizeof(*insns));
	const json_t *insn;

	if (!insns)
		return usn_fail(e, ENOMEM, "out of memory");
	if (n > BPF_MAXINSNS)
		return usn_fail(e, EINVAL, "the filter is longer than %d", BPF_MAXINSNS);
	json_array_foreach(list, i, insn) {
		json_int_t code, jt, jf, k;

		if (json_unpack((json_t *)(uintptr_t)insn, "[I,I,I,I!]", &code, &jt, &jf, &k) < 0 ||
		    !fits(code, UINT16_MAX) || !fits(jt, UINT8_MAX) || !fits(jf, UINT8_MAX) ||
		    !fits(k, UINT32_MAX))
			return usn_fail(e, EINVAL, "the filter's instruction %zu is none", i);
		insns[i] = (struct sock_filter){ (uint16_t)code, (uint8_t)jt, (uint8_t)jf,
						 (uint32_t)k };
	}
	return filter_from_classic(insns, n, ret, e);
}

static int read_options(const json_t *parameters, struct usn_tap_options *o, struct usn_err *e)
{
	json_int_t snaplen = 0, ring = 0, directions = 0, flags = 0, pid = 0;

	*o = (struct usn_tap_options){ .size = sizeof(*o) };
	if (json_unpack((json_t *)(uintptr_t)parameters, "{s?I, s?I, s?I, s?I, s?I, s?s}",
			"snaplen", &snaplen, "ring_bytes", &ring, "directions", &directions,
			"flags", &flags, "pid", &pid, "command", &o->comm) < 0 ||
	    (snaplen | ring | directions | flags | pid) & ~0xffffffffLL)
		return usn_fail(e, EINVAL, "the options of the tap are wrong");
	o->snaplen = (uint32_t)snaplen;
	o->ring_bytes = (uint32_t)ring;
	o->directions = (uint32_t)directions;
	o->flags = (uint32_t)flags;
	o->pid = (uint32_t)pid;
	return tap_check_options(o, e);
}

static json_t *constants(const struct tap_programs *p)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < TAP_CONSTANTS; i++)
		json_array_append_new(list, json_integer((json_int_t)p->constants[i]));
	return list;
}

int tapping_open(const json_t *parameters, uint64_t cgroup, struct tapping **ret, int *ret_ring_fd,
		 json_t **ret_constants, struct usn_err *e)
{
	const json_t *list = json_object_get(parameters, "filter");
	_cleanup_(filter_freep) struct filter *f = NULL;
	struct usn_tap_options o;
	struct tapping *t;
	int r = read_options(parameters, &o, e);

	if (r >= 0 && json_is_array(list))
		r = read_filter(list, &f, e);
	if (r < 0)
		return r;
	t = calloc(1, sizeof(*t));
	if (!t)
		return usn_fail(e, ENOMEM, "out of memory");
	r = tap_programs_load(&t->programs, &o, cgroup, f, e);
	if (r >= 0)
		r = lend(t->programs.ring_fd, e);
	if (r < 0) {
		tapping_free(t);
		return r;
	}
	*ret_ring_fd = r;
	*ret_constants = constants(&t->programs);
	*ret = t;
	return 0;
}

int tapping_map(const struct tapping *t, const char *name, struct usn_err *e)
{
	if (!strcmp(name, "bell"))
		return lend(t->programs.bell_fd, e);
	if (!strcmp(name, "stages"))
		return lend(t->programs.stages_fd, e);
	return usn_fail(e, EINVAL, "a tap has no map '%.40s' to lend", name);
}

int tapping_add(struct tapping *t, uint32_t ifindex, const char *device, int *ret_in_fd,
		int *ret_out_fd, struct usn_err *e)
{
	int r = tap_programs_attach(&t->programs, ifindex, device, e);

	if (r < 0)
		return r;
	tap_programs_give(&t->programs, ret_in_fd, ret_out_fd);
	return 0;
}
