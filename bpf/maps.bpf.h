/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The pinned maps. The agent creates them; taps reuse owners and newborns. Types are in usn/abi.h.
 * Weak, so that the objects of several programs can be linked into one.
 */
#ifndef USN_MAPS_BPF_H
#define USN_MAPS_BPF_H

#include <bpf/bpf_helpers.h>
#include <usn/abi.h>

/* cgroup id -> device; written by the agent, read once a socket. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, USN_BINDINGS_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, struct usn_binding);
} bindings SEC(".maps") __weak;

/* Exemptions of the runs; see usn/abi.h. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct usn_rule_key);
	__type(value, struct usn_rule);
} rules SEC(".maps") __weak;

/* N of usnN -> what the agent needs after a restart. No program reads it. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, USN_DEVICES_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct usn_device);
} devices SEC(".maps") __weak;

/* N of usnN -> verdicts; the agent makes the entry with the device. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, USN_DEVICES_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct usn_counters);
} counters SEC(".maps") __weak;

/* Who made a socket, beside the socket. What a listener accepts inherits it. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
	__type(key, int);
	__type(value, struct usn_owner);
} owners SEC(".maps") __weak;

/* Whom a socket asked for a name, if another server than that answers. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct usn_asked);
} asked SEC(".maps") __weak;

/* As owners, for sockets without storage yet, by the low bits of the cookie. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, USN_NEWBORNS);
	__type(key, __u32);
	__type(value, struct usn_owner);
} newborns SEC(".maps") __weak;

#endif
