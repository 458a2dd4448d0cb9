/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What usn doctor finds: a row for each check, of the kernel and of the machine.
 *
 * Nothing is changed to find it out. What a check makes in the kernel hangs on a descriptor of this process, so that
 * it is gone with that, however it ends; and nothing is attached to a cgroup or a device.
 */
#ifndef USN_DOCTOR_H
#define USN_DOCTOR_H

#include <linux/bpf.h>
#include <stddef.h>

enum finding_status {
	FINDING_OK,
	FINDING_WARN,   /* usn works, but for what the advice says */
	FINDING_MISSING /* it does not */
};

struct finding {
	const char *name;
	enum finding_status status;
	char found[400];
	char advice[300]; /* what it means and what to do; "" if all is well */
};

struct findings {
	size_t n;
	struct finding rows[64];
};

/* A new row: all is well, and nothing found yet. */
struct finding *finding_add(struct findings *all, const char *name);

void finding_say(struct finding *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Behind what was said already; with a comma between if there is any. */
void finding_say_also(struct finding *f, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* A second advice of a row counts if it is the worse one. */
void finding_advise(struct finding *f, enum finding_status status, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

void doctor_kernel(struct findings *all);
void doctor_machine(struct findings *all);
/* The programs that usn itself loads. */
void doctor_programs(struct findings *all);

/* The programs that others have on the cgroups above the runs. */
void doctor_foreign(struct finding *f);

/* Where the agent attaches its programs. */
struct hook {
	const char *name; /* as the section of the program */
	enum bpf_prog_type type;
	enum bpf_attach_type attach;
};

#define N_HOOKS 13
extern const struct hook hooks[N_HOOKS];

#endif
