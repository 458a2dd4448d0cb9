/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Ambient mode: which device the environment of a process names,
 * and which one a socket got by that.
 */
#ifndef USN_AMBIENT_BPF_H
#define USN_AMBIENT_BPF_H

#include "environ.bpf.h"
#include "maps.bpf.h"

/* The devices that are up and may be named. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, USN_DEVICES_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct usn_ambient);
	__type(value, struct usn_binding);
} ambient_devices SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
	__type(key, int);
	__type(value, struct usn_ambient);
} ambient_sockets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct usn_ambient_counters);
} ambient_counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct usn_seen);
} seen SEC(".maps");

/* Where programs of cgroups have no task storage. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, __u32);
	__type(value, struct usn_seen);
} seen_lru SEC(".maps");

/* Set before the object is loaded. */
const volatile bool has_task_storage = true;

#define COUNT_AMBIENT(field)                                                                    \
	do {                                                                                    \
		__u32 zero = 0;                                                                 \
		struct usn_ambient_counters *c = bpf_map_lookup_elem(&ambient_counters, &zero); \
		if (c)                                                                          \
			c->field++;                                                             \
	} while (0)

static __always_inline struct usn_seen *seen_in_lru(void)
{
	static const struct usn_seen unseen = {};
	__u32 tid = (__u32)bpf_get_current_pid_tgid();
	struct usn_seen *s = bpf_map_lookup_elem(&seen_lru, &tid);

	if (s)
		return s;
	bpf_map_update_elem(&seen_lru, &tid, &unseen, BPF_NOEXIST);
	return bpf_map_lookup_elem(&seen_lru, &tid);
}

/*
 * What the current thread's environment says. It is read once a thread and exec: setenv(3) does not
 * reach the strings that exec laid down, so they do not change. NULL: no memory, nobody knows.
 */
static __always_inline const struct usn_seen *nd_of_current(void)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	struct usn_seen *s;

	if (has_task_storage)
		s = bpf_task_storage_get(&seen, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	else
		s = seen_in_lru();
	if (!s)
		return NULL;
	if (s->answer == USN_ND_UNSEEN || s->answer == USN_ND_UNREADABLE ||
	    s->exec_id != task->self_exec_id || s->start_time != task->start_time) {
		struct mm_struct *mm = task->mm;

		s->start_time = task->start_time;
		s->exec_id = task->self_exec_id;
		if (mm)
			read_nd(s, mm);
		else
			s->answer = USN_ND_NONE;
	}
	return s;
}

/* The device that a socket got by ND; false: none. *ret is NULL if that is gone. */
static __always_inline bool ambient_device(const struct usn_ambient *a,
					   const struct usn_binding **ret)
{
	struct usn_ambient key;

	if (!a)
		return false;
	key = *a;
	*ret = bpf_map_lookup_elem(&ambient_devices, &key);
	return true;
}

#endif
