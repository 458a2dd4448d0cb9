// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Asking the agent for a tap. */
#include <errno.h>
#include <usn.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "client/client.h"
#include "tap/filter.h"
#include "tap/filter_parts.h"
#include "tap/tap.h"
#include "usn/tail/borrow.h"

static json_t *instructions(const struct filter *f)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < f->n; i++) {
		const struct sock_filter *s = &f->insns[i];

		json_array_append_new(
			list, json_pack("[i,i,i,I]", s->code, s->jt, s->jf, (json_int_t)s->k));
	}
	return list;
}

static json_t *names(char *const *devices, int n)
{
	json_t *list = json_array();
	int i;

	for (i = 0; i < n; i++)
		json_array_append_new(list, json_string(devices[i]));
	return list;
}

static int parameters_of(char *const *devices, int n, const struct usn_tap_options *o, json_t **ret,
			 struct usn_err *e)
{
	_cleanup_(filter_freep) struct filter *f = NULL;
	int r = o->filter && *o->filter ? filter_compile(o->filter, &f, e) : 0;

	if (r < 0)
		return r;
	*ret = json_pack("{s:o, s:I, s:I, s:I, s:I, s:I, s:s*, s:s*, s:o*}", "devices",
			 names(devices, n), "snaplen", (json_int_t)o->snaplen, "ring_bytes",
			 (json_int_t)o->ring_bytes, "directions", (json_int_t)o->directions,
			 "flags", (json_int_t)o->flags, "pid", (json_int_t)o->pid, "command",
			 o->comm, "run", o->cgroup, "filter", f ? instructions(f) : NULL);
	return 0;
}

static int read_constants(const json_t *reply, uint64_t ret[TAP_CONSTANTS], struct usn_err *e)
{
	const json_t *list = json_object_get(reply, "constants");
	size_t i;

	if (json_array_size(list) != TAP_CONSTANTS)
		return usn_fail(e, EBADMSG, "the agent is of another version: restart it");
	for (i = 0; i < TAP_CONSTANTS; i++)
		ret[i] = (uint64_t)json_integer_value(json_array_get(list, i));
	return 0;
}

static int take_link(struct client *c, int *ret, struct usn_err *e)
{
	json_t *reply;
	int r = client_call(c, "TapLink", json_object(), &reply, ret, e);

	if (r >= 0)
		json_decref(reply);
	return r;
}

static int add(void *lender, const char *device, int *ret_in_fd, int *ret_out_fd, struct usn_err *e)
{
	struct client *c = lender;
	bool in, out;
	json_t *reply;
	int fd = -1,
	    r = client_call(c, "TapAdd", json_pack("{s:s}", "device", device), &reply, &fd, e);

	if (r < 0)
		return r;
	in = json_is_true(json_object_get(reply, "in"));
	out = json_is_true(json_object_get(reply, "out"));
	json_decref(reply);
	*(out ? ret_out_fd : ret_in_fd) = fd;
	if (!in || !out)
		return 0;
	r = take_link(c, ret_in_fd, e);
	if (r < 0)
		*ret_out_fd = close_fd(*ret_out_fd);
	return r;
}

static void end(void *lender)
{
	client_free(lender);
}

static const struct tap_lender agent = { add, end };

static int take_map(struct client *c, const char *name, int *ret, struct usn_err *e)
{
	json_t *reply;
	int r = client_call(c, "TapMap", json_pack("{s:s}", "map", name), &reply, ret, e);

	if (r >= 0)
		json_decref(reply);
	return r;
}

static int take_loan(struct client *c, json_t *parameters, struct tap_loan *l, struct usn_err *e)
{
	json_t *reply;
	int r = client_call(c, "Tap", parameters, &reply, &l->ring_fd, e);

	if (r < 0)
		return r;
	r = read_constants(reply, l->constants, e);
	json_decref(reply);
	if (r >= 0)
		r = take_map(c, "bell", &l->bell_fd, e);
	return r < 0 ? r : take_map(c, "stages", &l->stages_fd, e);
}

int borrow_tap(char *const *devices, int n, const struct usn_tap_options *o, struct usn_tap **ret,
	       struct usn_err *e)
{
	_cleanup_(client_freep) struct client *c = NULL;
	struct tap_loan l = { .ring_fd = -1, .bell_fd = -1, .stages_fd = -1, .how = &agent };
	json_t *parameters = NULL;
	int r = client_open(&c, e);

	if (r >= 0)
		r = parameters_of(devices, n, o, &parameters, e);
	if (r >= 0)
		r = take_loan(c, parameters, &l, e);
	if (r < 0) {
		close_fd(l.ring_fd);
		close_fd(l.bell_fd);
		close_fd(l.stages_fd);
		return r;
	}
	l.lender = TAKE_PTR(c);
	return tap_borrow(&l, ret, e);
}
