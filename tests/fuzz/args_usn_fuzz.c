// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Any command line of usn, where no agent, no tap and no recorder is to be had. A verb fails, with
 * one line that says why; a word that is wrong is never taken for one that is right.
 *
 * The first byte chooses the verb; the words follow, a line each.
 */
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <usn.h>

#include "client/client.h"
#include "usn/doctor/doctor.h"
#include "usn/verb.h"
#include "fuzz.h"
#include "output.h"
#include "words.h"

static const struct verb *const verbs[] = {
	&verb_up,     &verb_down, &verb_list,    &verb_show, &verb_rig,    &verb_tail,
	&verb_record, &verb_dump, &verb_ambient, &verb_bind, &verb_unbind, &verb_doctor,
};

static bool asked; /* the command line was taken, and something was tried */

int __wrap_client_open(struct client **ret, struct usn_err *e);
int __wrap_usn_tap_open(const char *device, const struct usn_tap_options *o, struct usn_tap **ret,
			struct usn_err *e);
int __wrap_rendezvous_connect(const char *device, int *ret_fd, struct usn_err *e);
unsigned int __wrap_if_nametoindex(const char *name);
char *__wrap_cgroup_of_process(pid_t pid);
int __wrap_tree_move(pid_t pid, int procs_fd, pid_t **ret, size_t *ret_n, struct usn_err *e);
int __wrap_sigprocmask(int how, const sigset_t *set, sigset_t *old);
sighandler_t __wrap_signal(int number, sighandler_t handler);
void __wrap_doctor_kernel(struct findings *all);
void __wrap_doctor_machine(struct findings *all);
void __wrap_doctor_programs(struct findings *all);

int __wrap_client_open(struct client **ret, struct usn_err *e)
{
	(void)ret;
	asked = true;
	return usn_fail(e, EPERM, "no agent is running");
}

/* All that an option can say is in range by now. */
int __wrap_usn_tap_open(const char *device, const struct usn_tap_options *o, struct usn_tap **ret,
			struct usn_err *e)
{
	(void)device, (void)ret;
	asked = true;
	demand(o->size == sizeof(*o) && o->snaplen >= 1 && o->snaplen <= 65535);
	demand(!o->ring_bytes || (o->ring_bytes >= 4096 && o->ring_bytes <= 1U << 30));
	demand(o->directions <= 3 && o->pid <= INT32_MAX);
	demand(!o->comm || (*o->comm && strlen(o->comm) <= 15));
	return usn_fail(e, EPERM, "not root");
}

int __wrap_rendezvous_connect(const char *device, int *ret_fd, struct usn_err *e)
{
	(void)ret_fd;
	asked = true;
	return usn_fail(e, ENOENT, "nobody records %s", device);
}

/* Every device is up, so that the verbs go on. */
unsigned int __wrap_if_nametoindex(const char *name)
{
	return *name ? 5 : 0;
}

char *__wrap_cgroup_of_process(pid_t pid)
{
	return strdup(pid % 2 ? "/usn/usn0-1" : "/a/b.service");
}

int __wrap_tree_move(pid_t pid, int procs_fd, pid_t **ret, size_t *ret_n, struct usn_err *e)
{
	(void)procs_fd, (void)ret, (void)ret_n;
	asked = true;
	return usn_fail(e, ESRCH, "there is no process %d", pid);
}

/* The fuzzer's own signals stay as they are. */
int __wrap_sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
	(void)how, (void)set, (void)old;
	return 0;
}

sighandler_t __wrap_signal(int number, sighandler_t handler)
{
	(void)number, (void)handler;
	return SIG_DFL;
}

void __wrap_doctor_kernel(struct findings *all)
{
	asked = true;
	finding_say(finding_add(all, "kernel"), "any");
}

void __wrap_doctor_machine(struct findings *all)
{
	finding_say(finding_add(all, "machine"), "any");
}

void __wrap_doctor_programs(struct findings *all)
{
	finding_say(finding_add(all, "programs"), "any");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *argv[WORDS_MAX + 1];
	const struct verb *v;
	struct usn_err e = { 0 };
	struct output o;
	int argc, r;

	if (!size)
		return 0;
	v = verbs[data[0] % ARRAY_SIZE(verbs)];
	data++;
	size--;
	argc = words_take(&data, &size, v->name, argv);
	asked = false;
	output_keep(&o);
	r = v->run(argc, argv, &e);
	output_end(&o);
	check_reason(r, &e);
	demand(r < 0 || v == &verb_doctor);
	/* Wrong usage is found before anything is tried, but for a word that JSON cannot have. */
	demand(!asked || r != -EINVAL);
	words_free(argv);
	free(o.text);
	return 0;
}
