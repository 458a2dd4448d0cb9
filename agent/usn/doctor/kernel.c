// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* usn doctor: what usn needs of the kernel, and what it does without. */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/netns.h"
#include "base/pidfd.h"
#include "tap/kernel.h"
#include "usn/doctor/doctor.h"
#include "usn/doctor/probe.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

static int probe_netns_cookie(void)
{
	uint64_t cookie;

	return netns_cookie_of_socket(&cookie);
}

static int probe_peer_pidfd(void)
{
	_cleanup_close_ int ours = -1, theirs = -1, pidfd = -1;
	socklen_t len = sizeof(pidfd);
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return -errno;
	ours = fds[0];
	theirs = fds[1];
	return getsockopt(ours, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &len) < 0 ? -errno : 0;
}

static int probe_pidfd_open(void)
{
	_cleanup_close_ int fd = pidfd_of(getpid());

	return fd < 0 ? fd : 0;
}

/* A descriptor of our own; of other processes it takes CAP_SYS_PTRACE. */
static int probe_pidfd_getfd(void)
{
	_cleanup_close_ int pidfd = pidfd_of(getpid()), copy = -1;

	if (pidfd < 0)
		return pidfd;
	copy = pidfd_getfd(pidfd, pidfd, 0);
	return copy < 0 ? -errno : 0;
}

/* There are no descriptors with such numbers. */
static int probe_close_range(void)
{
	return close_range(~0u, ~0u, 0) < 0 ? -errno : 0;
}

#define NO_AGENT "usnd does not start: "
#define NO_TAPS "usn tail and usn record do not work: "

struct feature {
	const char *name;
	int (*probe)(void);
	enum finding_status lack;
	const char *without; /* what does not work then, and what to do */
};

static const struct feature features[] = {
	{ "cgroup_links", probe_cgroup_link, FINDING_MISSING,
	  NO_AGENT "boot a kernel with CONFIG_CGROUP_BPF=y, Linux 5.7 or newer" },
	{ "lpm_trie", probe_lpm_trie, FINDING_MISSING,
	  NO_AGENT "boot a kernel with CONFIG_BPF_SYSCALL=y" },
	{ "socket_storage", probe_socket_storage, FINDING_MISSING,
	  NO_AGENT "boot a kernel with CONFIG_NET=y and CONFIG_BPF_SYSCALL=y, Linux 5.9 or newer" },
	{ "clsact", probe_clsact, FINDING_MISSING,
	  "usn up is refused, because a rig could redirect the host: modprobe sch_ingress cls_bpf, "
	  "or boot a kernel with CONFIG_NET_SCH_INGRESS and CONFIG_NET_CLS_BPF" },
	{ "netns_cookie", probe_netns_cookie, FINDING_WARN,
	  "usnd asks a BPF program, and a run that is started from another network namespace has "
	  "its sockets refused instead: Linux 5.14 has SO_NETNS_COOKIE" },
	{ "bind_moves", kernel_moves_anywhere, FINDING_WARN,
	  "binds of runs to loopback and other exempt addresses are refused, and those of TCP "
	  "sockets of users: Linux 5.12 has bpf_setsockopt in bind" },
	{ "mapped_arrays", probe_mapped_array, FINDING_WARN, NO_TAPS "boot Linux 5.5 or newer" },
	{ "ring_buffer", probe_ring_buffer, FINDING_WARN, NO_TAPS "boot Linux 5.8 or newer" },
	{ "atomics", kernel_exchanges, FINDING_WARN, NO_TAPS "boot Linux 5.12 or newer" },
	{ "tcx", probe_tcx, FINDING_WARN,
	  "taps use filters of the clsact qdisc (sch_ingress, cls_bpf), and one that is killed "
	  "leaves its own until the next is opened: Linux 6.6 has tcx" },
	{ "kfuncs", probe_kfuncs, FINDING_WARN,
	  "taps do not know checksums, nor, of packets in, the owner of a socket that has neither "
	  "sent, bound nor connected, and --run does not find these: Linux 6.2 has the kfuncs" },
	{ "current_task", kernel_tells_task, FINDING_WARN,
	  "usn ambient on is refused: start programs by usn-run, or boot a newer kernel" },
	{ "task_storage", probe_task_storage, FINDING_WARN,
	  "usn ambient keeps what threads' environments say in an LRU, which is slower: nothing "
	  "has to be done" },
	{ "pidfd_open", probe_pidfd_open, FINDING_WARN,
	  "usn rig and usn-run --dump-on-failure do not work, and usn show finds no stale sockets: "
	  "boot Linux 5.3 or newer, and have seccomp filters let it pass" },
	{ "pidfd_getfd", probe_pidfd_getfd, FINDING_WARN,
	  "usn show and usn bind do not see the sockets of processes, and an agent that was killed "
	  "loses its rigs: boot Linux 5.6 or newer, and have seccomp filters let it pass" },
	{ "close_range", probe_close_range, FINDING_WARN,
	  "usn-run --dump-on-failure does not work, and an agent started on demand keeps what its "
	  "caller had open: boot Linux 5.9 or newer, and have seccomp filters let it pass" },
	{ "peer_pidfd", probe_peer_pidfd, FINDING_WARN,
	  "usn rig is known by its process id, which may be another's if it ends at once: Linux "
	  "6.5 has SO_PEERPIDFD" },
	{ "exit_status", pidfd_status_works, FINDING_WARN,
	  "usn-run --dump-on-failure is refused: Linux 6.15 has PIDFD_INFO_EXIT" },
};

static void report(struct findings *all, const char *name, int r, enum finding_status lack,
		   const char *without)
{
	struct finding *f = finding_add(all, name);

	if (r >= 0) {
		finding_say(f, "works");
		return;
	}
	/* Then it is not the kernel's age. */
	finding_say(f, "%s%s", strerror(-r),
		    r == -EPERM ? " (see capabilities and memlock first)" : "");
	finding_advise(f, lack, "%s", without);
}

void doctor_kernel(struct findings *all)
{
	size_t i;

	report(all, "bpf", probe_bpf(), FINDING_MISSING,
	       NO_AGENT "boot a kernel with CONFIG_BPF_SYSCALL=y; in a container, let its root use "
			"bpf(2)");
	report(all, "btf", probe_btf(), FINDING_MISSING,
	       NO_AGENT "boot a kernel with CONFIG_DEBUG_INFO_BTF=y");
	for (i = 0; i < N_HOOKS; i++)
		report(all, hooks[i].name, probe_hook(&hooks[i]), FINDING_MISSING,
		       NO_AGENT "boot a kernel with CONFIG_CGROUP_BPF=y, Linux 5.8 or newer");
	for (i = 0; i < ARRAY_SIZE(features); i++)
		report(all, features[i].name, features[i].probe(), features[i].lack,
		       features[i].without);
}
