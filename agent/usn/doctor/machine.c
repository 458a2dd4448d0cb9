// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* usn doctor: how the machine is set up, as far as it matters to usn. */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/ethtool.h>
#include <linux/if_tun.h>
#include <linux/magic.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cgroup2.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/mountinfo.h"
#include "client/varlink.h"
#include "usn/doctor/doctor.h"

static bool has_cgroup1(void)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/self/mountinfo", "re");
	_cleanup_free_ struct mount *m = malloc(sizeof(*m));
	int r;

	while (f && m && (r = mountinfo_next(f, m)) != 0) {
		if (r > 0 && !strcmp(m->fstype, "cgroup"))
			return true;
	}
	return false;
}

static void look_at_cgroup2(struct finding *f)
{
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *path = NULL;
	struct usn_err e;

	if (cgroup_open_root(&fd, &path, &e) < 0) {
		finding_say(f, "no cgroup v2 tree is mounted");
		finding_advise(f, FINDING_MISSING,
			       "usnd does not start: mount -t cgroup2 cgroup2 /sys/fs/cgroup");
		return;
	}
	finding_say(f, "%s%s", path, has_cgroup1() ? ", beside cgroup v1 (hybrid)" : "");
	if (faccessat(fd, ".", W_OK, AT_EACCESS) < 0)
		finding_advise(f, FINDING_MISSING,
			       "usnd cannot make its cgroup there (%s): mount -o remount,rw %s",
			       strerror(errno), path);
}

static void look_at_bpffs(struct finding *f)
{
	struct statfs fs;

	if (statfs("/sys/fs/bpf", &fs) < 0) {
		finding_say(f, "/sys/fs/bpf: %s", strerror(errno));
		finding_advise(
			f, FINDING_MISSING,
			"usnd does not start: mount -t sysfs sysfs /sys, or boot a kernel with "
			"CONFIG_BPF_SYSCALL=y");
		return;
	}
	if (fs.f_type == BPF_FS_MAGIC) {
		finding_say(f, "/sys/fs/bpf");
		return;
	}
	finding_say(f, "no BPF file system at /sys/fs/bpf");
	finding_advise(
		f, FINDING_WARN,
		"usnd mounts one when it starts, for its own mount namespace; for all: mount -t "
		"bpf bpf /sys/fs/bpf");
}

/* No device is made: what udev and network managers do with a new one would not be nothing. */
static void look_at_tun(struct finding *f)
{
	_cleanup_close_ int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	int code = errno;
	unsigned int features = 0;

	if (fd >= 0 && ioctl(fd, TUNGETFEATURES, &features) < 0) {
		code = errno;
		fd = close_fd(fd);
	}
	if (fd >= 0 && features & IFF_TUN) {
		finding_say(f, "/dev/net/tun");
		return;
	}
	finding_say(f, "/dev/net/tun: %s", fd < 0 ? strerror(code) : "no TUN devices");
	finding_advise(f, FINDING_MISSING,
		       "usn up does not work: modprobe tun, or mknod /dev/net/tun c 10 200; in a "
		       "container, let it have that device");
}

/* or_admin: CAP_SYS_ADMIN does as well. lack: what it is if the capability is missing. */
static const struct {
	int capability;
	bool or_admin;
	const char *name;
	enum finding_status lack;
	const char *purpose;
} capabilities[] = {
	{ CAP_NET_ADMIN, false, "CAP_NET_ADMIN", FINDING_MISSING, "devices and programs" },
	{ CAP_BPF, true, "CAP_BPF", FINDING_MISSING, "programs" },
	{ CAP_PERFMON, true, "CAP_PERFMON", FINDING_MISSING, "programs" },
	{ CAP_SYS_ADMIN, false, "CAP_SYS_ADMIN", FINDING_WARN, "mounts, as for --dns" },
	{ CAP_DAC_READ_SEARCH, false, "CAP_DAC_READ_SEARCH", FINDING_WARN, "bound cgroups" },
	{ CAP_SYS_PTRACE, false, "CAP_SYS_PTRACE", FINDING_WARN, "sockets of other processes" },
	{ CAP_NET_RAW, false, "CAP_NET_RAW", FINDING_WARN, "bind --rebind" },
};

static void look_at_capabilities(struct finding *f)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };
	uint64_t all;
	size_t i;

	if (syscall(SYS_capget, &header, data) < 0) {
		finding_say(f, "unknown: %s", strerror(errno));
		finding_advise(f, FINDING_WARN, "run this as root");
		return;
	}
	all = data[0].effective | (uint64_t)data[1].effective << 32;
	for (i = 0; i < ARRAY_SIZE(capabilities); i++) {
		uint64_t wanted = 1ULL << capabilities[i].capability;

		wanted |= capabilities[i].or_admin ? 1ULL << CAP_SYS_ADMIN : 0;
		if (all & wanted)
			continue;
		finding_say_also(f, "no %s (%s)", capabilities[i].name, capabilities[i].purpose);
		finding_advise(
			f, capabilities[i].lack,
			"what is in brackets does not work: run usn with these capabilities, "
			"which a container's settings or a unit's CapabilityBoundingSet= "
			"took away");
	}
	if (!f->found[0])
		finding_say(f, "all that usn needs");
}

/*
 * Tried, as no file says it: with a limit of 0 such a kernel makes no map.
 * Past libbpf, which would raise the limit.
 */
static bool is_memory_charged(const struct rlimit *now)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4096, .max_entries = 1
	};
	struct rlimit none = { 0, now->rlim_max };
	int fd, code;

	if (setrlimit(RLIMIT_MEMLOCK, &none) < 0)
		return false;
	fd = (int)syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr));
	code = errno;
	close_fd(fd);
	setrlimit(RLIMIT_MEMLOCK, now);
	if (fd >= 0 || code != EPERM)
		return false;
	/* Without the limit it must work, or it was something else. */
	fd = (int)syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr));
	close_fd(fd);
	return fd >= 0;
}

static void look_at_memlock(struct finding *f)
{
	struct rlimit now, all = { RLIM_INFINITY, RLIM_INFINITY };

	if (getrlimit(RLIMIT_MEMLOCK, &now) < 0 || !is_memory_charged(&now)) {
		finding_say(f, "does not count BPF memory");
		return;
	}
	if (now.rlim_cur == RLIM_INFINITY)
		finding_say(f, "counts BPF memory, unlimited");
	else
		finding_say(f, "counts BPF memory, %llu KiB",
			    (unsigned long long)now.rlim_cur >> 10);
	if (now.rlim_cur != RLIM_INFINITY && setrlimit(RLIMIT_MEMLOCK, &all) < 0)
		finding_advise(f, FINDING_WARN,
			       "usnd cannot raise it, so that its maps may not fit: ulimit -l "
			       "unlimited, or run it with CAP_SYS_RESOURCE");
	setrlimit(RLIMIT_MEMLOCK, &now);
}

static void look_at_rp_filter(struct finding *f)
{
	_cleanup_fclose_ FILE *file = fopen("/proc/sys/net/ipv4/conf/all/rp_filter", "re");
	int value = 0;

	if (!file || fscanf(file, "%d", &value) != 1) {
		finding_say(f, "not there");
		return;
	}
	finding_say(f, "net.ipv4.conf.all.rp_filter is %d", value);
	if (value)
		finding_advise(f, FINDING_WARN,
			       "the host drops replies that no route leads back to: sysctl -w "
			       "net.ipv4.conf.all.rp_filter=0");
}

/* The driver tells it without netlink (vrf_get_drvinfo, drivers/net/vrf.c). */
static bool is_vrf(int fd, const char *name)
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };
	struct ifreq ifr = { .ifr_data = (char *)&info };

	strncpy(ifr.ifr_name, name, IFNAMSIZ - 1);
	return !ioctl(fd, SIOCETHTOOL, &ifr) && !strcmp(info.driver, "vrf");
}

static void look_at_vrf(struct finding *f)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct if_nameindex *all = if_nameindex(), *i;

	for (i = all; i && i->if_name; i++) {
		if (is_vrf(fd, i->if_name))
			finding_say_also(f, "%s", i->if_name);
	}
	if (all)
		if_freenameindex(all);
	finding_say_also(f, f->found[0] ? "none of usn's devices may be in one" : "none");
}

/* As sd_booted(3). */
static void look_at_systemd(struct finding *f)
{
	finding_say(f, access("/run/systemd/system", F_OK) < 0
			       ? "is not process 1: the units are of no use"
			       : "is process 1");
}

static void look_at_agent(struct finding *f)
{
	_cleanup_close_ int fd = varlink_connect();

	if (fd >= 0)
		finding_say(f, "listens at %s", USN_SOCKET);
	else
		finding_say(f, "none: the first command that needs one starts it");
}

static const struct {
	const char *name;
	void (*look)(struct finding *f);
} checks[] = {
	{ "cgroup2", look_at_cgroup2 },
	{ "bpffs", look_at_bpffs },
	{ "tun", look_at_tun },
	{ "capabilities", look_at_capabilities },
	{ "memlock", look_at_memlock },
	{ "rp_filter", look_at_rp_filter },
	{ "foreign_programs", doctor_foreign },
	{ "vrf", look_at_vrf },
	{ "systemd", look_at_systemd },
	{ "agent", look_at_agent },
};

void doctor_machine(struct findings *all)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(checks); i++)
		checks[i].look(finding_add(all, checks[i].name));
}
