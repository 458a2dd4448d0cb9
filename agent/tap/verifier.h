/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Loading a BPF object; and when the kernel refuses a program of it, which one and why. */
#ifndef USN_VERIFIER_H
#define USN_VERIFIER_H

#include <stdbool.h>
#include <stddef.h>

struct bpf_object;
struct usn_err;

/*
 * Loads the object. compiler: who made it (bpf/compiler.bpf.h).
 *
 * 0, or -errno with the reason in *e: the program that the verifier refused, the instruction,
 * what the verifier said of it, and the compiler unless it is the kernel that lacks something.
 */
int verifier_load(struct bpf_object *obj, const char *compiler, struct usn_err *e);

/* From now on the whole log of a refused program goes to stderr. Off at first. */
void verifier_log_all(bool on);

/* What was loaded, for who only tries it. */
struct loaded {
	size_t n_programs;
	char compiler[64];
};

void loaded_add(struct loaded *l, const struct bpf_object *obj, const char *compiler);

#endif
