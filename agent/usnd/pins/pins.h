/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What outlives the agent: programs, links and maps under /sys/fs/bpf/usn (see bundle.h). */
#ifndef USN_PINS_H
#define USN_PINS_H

#include <stdbool.h>
#include <stdint.h>
#include <usn/abi.h>

#define USN_PINS "/sys/fs/bpf/usn"

struct loaded;
struct pins;
struct usn_err;

/* Looks whether the kernel can, and mounts the BPF file system if nobody has. */
int pins_prepare(struct usn_err *e);

bool pins_exist(void);

/* cgroup_fd: the cgroup above all runs, which the programs are attached to. */
int pins_open(int cgroup_fd, struct pins **ret, struct usn_err *e);
struct pins *pins_free(struct pins *p);

/* Loads the programs as pins_open() does, but pins and attaches none. */
int pins_try(struct loaded *ret, struct usn_err *e);

/* Detaches and forgets everything. Only with no device and no run left. */
void pins_remove(void);

/* The programs on a cgroup elsewhere, by its id; they are pinned in USN_PINS/cgroups. */
int pins_attach(struct pins *p, int cgroup_fd, uint64_t id, struct usn_err *e);
int pins_refresh(struct pins *p, uint64_t id);
void pins_detach(uint64_t id);

/* bindings. 0 or -errno (-ENOENT, -EEXIST, -E2BIG when the map is full). */
int binding_add(struct pins *p, uint64_t cgroup_id, const struct usn_binding *b);
int binding_replace(struct pins *p, uint64_t cgroup_id, const struct usn_binding *b);
int binding_get(struct pins *p, uint64_t cgroup_id, struct usn_binding *ret);
int binding_remove(struct pins *p, uint64_t cgroup_id);
/* The first id for prev == 0, else the one after prev. -ENOENT: no more. */
int binding_next(struct pins *p, uint64_t prev, uint64_t *ret);

/* rules. 0 or -errno; rule_next: the first for prev NULL, -ENOENT: no more. */
int rule_put(struct pins *p, const struct usn_rule_key *k, const struct usn_rule *v);
int rule_get(struct pins *p, const struct usn_rule_key *k, struct usn_rule *ret);
int rule_remove(struct pins *p, const struct usn_rule_key *k);
int rule_next(struct pins *p, const struct usn_rule_key *prev, struct usn_rule_key *ret);

/* devices; with the first entry of a device come its counters. */
int device_entry_put(struct pins *p, uint32_t number, const struct usn_device *d);
int device_entry_get(struct pins *p, uint32_t number, struct usn_device *ret);
void device_entry_remove(struct pins *p, uint32_t number);

/*
 * The counters go with the device, or with the last of its runs if that is later: what is refused
 * counts.
 */
void counters_remove(struct pins *p, uint32_t number);

/* The device's counters, summed over the CPUs. */
int counters_read(struct pins *p, uint32_t number, struct usn_counters *ret);

#endif
