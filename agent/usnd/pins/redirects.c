// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Dropping a rig's ICMP redirects. */
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "tap/verifier.h"
#include "redirects.skel.h"
#include "usnd/pins/redirects.h"

/*
 * A filter of the clsact qdisc and not a tcx link: it needs no pin, is the interface's as long as
 * that exists, on any kernel, and stands behind the taps, which show what a rig has sent. Those on
 * clsact have priorities below 200 (tap/clsact.c).
 */
#define PRIORITY 60000

struct redirects {
	struct redirects_bpf *skel;
};

static const char *compiler_of(const struct redirects *r)
{
	return (const char *)r->skel->rodata->compiler;
}

static void redirects_freep(struct redirects **r)
{
	redirects_free(*r);
}

int redirects_open(struct redirects **ret, struct usn_err *e)
{
	_cleanup_(redirects_freep) struct redirects *r = calloc(1, sizeof(*r));
	int error;

	if (r)
		r->skel = redirects_bpf__open();
	if (!r || !r->skel)
		return usn_fail(e, ENOMEM, "cannot open the BPF object: out of memory");
	error = verifier_load(r->skel->obj, compiler_of(r), e);
	if (error < 0)
		return error;
	*ret = TAKE_PTR(r);
	return 0;
}

int redirects_try(struct loaded *ret, struct usn_err *e)
{
	_cleanup_(redirects_freep) struct redirects *r = NULL;
	int error = redirects_open(&r, e);

	if (error >= 0)
		loaded_add(ret, r->skel->obj, compiler_of(r));
	return error;
}

struct redirects *redirects_free(struct redirects *r)
{
	if (r)
		redirects_bpf__destroy(r->skel);
	free(r);
	return NULL;
}

int redirects_drop(const struct redirects *r, uint32_t ifindex, const char *device,
		   struct usn_err *e)
{
	DECLARE_LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex,
			    .attach_point = BPF_TC_INGRESS);
	DECLARE_LIBBPF_OPTS(bpf_tc_opts, opts, .handle = 1, .priority = PRIORITY,
			    .prog_fd = bpf_program__fd(r->skel->progs.usn_redirects),
			    .flags = BPF_TC_F_REPLACE);
	int error = bpf_tc_hook_create(&hook);

	if (error >= 0 || error == -EEXIST)
		error = bpf_tc_attach(&hook, &opts);
	if (error == -ENOENT || error == -EOPNOTSUPP)
		return usn_fail(e, EOPNOTSUPP,
				"cannot keep the rig of %s from redirecting the host: the kernel "
				"has no clsact (modprobe sch_ingress cls_bpf)",
				device);
	return error < 0 ? usn_fail_errno(e, -error,
					  "cannot keep the rig of %s from redirecting the host",
					  device)
			 : 0;
}
