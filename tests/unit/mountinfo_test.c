// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Lines of /proc/PID/mountinfo: what the kernel writes is understood, and nothing else is. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/mountinfo.h"

/* One line through the reader; behind it must be the end. */
static int read_one(const char *line, struct mount *m)
{
	FILE *f = fmemopen((void *)line, strlen(line), "r");
	struct mount rest;
	int r;

	assert_non_null(f);
	r = mountinfo_next(f, m);
	assert_int_equal(mountinfo_next(f, &rest), 0);
	fclose(f);
	return r;
}

static void assert_mount(const char *line, const char *root, const char *point, const char *fstype)
{
	struct mount m;

	assert_int_equal(read_one(line, &m), 1);
	assert_string_equal(m.root, root);
	assert_string_equal(m.point, point);
	assert_string_equal(m.fstype, fstype);
}

static void optional_fields(void **state)
{
	(void)state;
	assert_mount("35 25 0:30 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n", "/",
		     "/sys/fs/cgroup", "cgroup2");
	assert_mount("35 25 0:30 / /sys/fs/cgroup rw shared:9 - cgroup2 cgroup2 rw\n", "/",
		     "/sys/fs/cgroup", "cgroup2");
	assert_mount("35 25 0:30 /a/b /mnt rw shared:9 master:2 propagate_from:1 unbindable - ext4 "
		     "/dev/sda1 rw,errors=continue\n",
		     "/a/b", "/mnt", "ext4");
	/* The last line of a file may have no end. */
	assert_mount("35 25 0:30 / /mnt rw - tmpfs tmpfs rw", "/", "/mnt", "tmpfs");
	/* A source may be named like the separator, a mount point too. */
	assert_mount("35 25 0:30 / - rw - tmpfs - rw\n", "/", "-", "tmpfs");
	/* No source at all: nobody asks for it. */
	assert_mount("35 25 0:30 / /mnt rw - tmpfs\n", "/", "/mnt", "tmpfs");
}

static void escapes(void **state)
{
	(void)state;
	assert_mount("1 2 0:3 / /with\\040space rw - tmpfs x rw\n", "/", "/with space", "tmpfs");
	assert_mount("1 2 0:3 / /\\011\\012\\134 rw - tmpfs x rw\n", "/", "/\t\n\\", "tmpfs");
	assert_mount("1 2 0:3 /\\040 /\\040\\040 rw - tmpfs x rw\n", "/ ", "/  ", "tmpfs");
	/* An escaped backslash in front of digits is a backslash and digits. */
	assert_mount("1 2 0:3 / /\\134040 rw - tmpfs x rw\n", "/", "/\\040", "tmpfs");
	assert_mount("1 2 0:3 / /\\303\\244\\377 rw - tmpfs x rw\n", "/", "/\xc3\xa4\xff", "tmpfs");
	assert_mount("1 2 0:3 / /\xc3\xa4 rw - fuse.my\\040fs x rw\n", "/", "/\xc3\xa4",
		     "fuse.my fs");
}

static void malformed(void **state)
{
	static const char *const bad[] = {
		"\n",
		"    \n",
		"nonsense\n",
		"1 2 0:3 /\n",
		"1 2 0:3 / /mnt\n",
		"1 2 0:3 / /mnt rw\n",
		"1 2 0:3 / /mnt rw shared:1\n",
		"1 2 0:3 / /mnt rw shared:1 -\n",
		"1 2 0:3 / /mnt rw --\n",
		"1 2 0:3 / /mnt rw -- tmpfs x rw\n",
		"1 2 0:3 / /a\\ rw - tmpfs x rw\n",
		"1 2 0:3 / /a\\0 rw - tmpfs x rw\n",
		"1 2 0:3 / /a\\04 rw - tmpfs x rw\n",
		"1 2 0:3 / /a\\048 rw - tmpfs x rw\n",
		"1 2 0:3 / /a\\x20 rw - tmpfs x rw\n",
		"1 2 0:3 / /a\\400 rw - tmpfs x rw\n",
		"1 2 0:3 / /a\\777 rw - tmpfs x rw\n",
		"1 2 0:3 \\8 /a rw - tmpfs x rw\n",
		"1 2 0:3 / /a rw - tm\\pfs x rw\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct mount m;

		if (read_one(bad[i], &m) != -EINVAL)
			fail_msg("taken: %s", bad[i]);
	}
}

static char *line_with(size_t root, size_t point, size_t fstype)
{
	char *line = malloc(root + point + fstype + 64), *p = line;

	assert_non_null(line);
	p = stpcpy(p, "1 2 0:3 ");
	p = (char *)memset(p, 'r', root) + root;
	*p++ = ' ';
	p = (char *)memset(p, 'p', point) + point;
	p = stpcpy(p, " rw - ");
	p = (char *)memset(p, 'f', fstype) + fstype;
	strcpy(p, " x rw\n");
	return line;
}

static void too_long(void **state)
{
	static const struct {
		size_t root, point, fstype;
		int want;
	} cases[] = {
		{ PATH_MAX - 1, PATH_MAX - 1, 63, 1 }, { PATH_MAX, 1, 1, -EINVAL },
		{ 1, PATH_MAX, 1, -EINVAL },           { 1, 1, 64, -EINVAL },
		{ 100000, 100000, 100000, -EINVAL },
	};
	struct mount *m = malloc(sizeof(*m));

	(void)state;
	assert_non_null(m);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *line = line_with(cases[i].root, cases[i].point, cases[i].fstype);

		assert_int_equal(read_one(line, m), cases[i].want);
		if (cases[i].want == 1) {
			assert_int_equal(strlen(m->root), cases[i].root);
			assert_int_equal(strlen(m->point), cases[i].point);
			assert_int_equal(strlen(m->fstype), cases[i].fstype);
		}
		free(line);
	}
	free(m);
}

/* The points of all cgroup2 mounts, each followed by ';', and how many lines were malformed. */
static int find_cgroup2(const char *text, char *points, size_t size)
{
	FILE *f = fmemopen((void *)text, strlen(text), "r");
	struct mount m;
	int bad = 0, r;

	assert_non_null(f);
	points[0] = '\0';
	while ((r = mountinfo_next(f, &m))) {
		if (r < 0) {
			bad++;
		} else if (!strcmp(m.fstype, "cgroup2")) {
			assert_true(strlen(points) + strlen(m.point) + 2 < size);
			strcat(points, m.point);
			strcat(points, ";");
		}
	}
	fclose(f);
	return bad;
}

static void whole_files(void **state)
{
	/* Version 1 controllers at /sys/fs/cgroup, the v2 tree beside them. */
	static const char hybrid[] =
		"23 60 0:21 / /sys rw,nosuid,nodev,noexec,relatime shared:7 - sysfs sysfs rw\n"
		"25 23 0:7 / /sys/kernel/security rw - securityfs securityfs rw\n"
		"31 23 0:28 / /sys/fs/cgroup ro,nosuid shared:9 - tmpfs tmpfs ro,mode=755\n"
		"32 31 0:29 / /sys/fs/cgroup/unified rw,nosuid shared:10 - cgroup2 cgroup2 "
		"rw,nsdelegate\n"
		"33 31 0:30 / /sys/fs/cgroup/systemd rw shared:11 - cgroup cgroup "
		"rw,xattr,name=systemd\n"
		"34 31 0:31 / /sys/fs/cgroup/cpu,cpuacct rw shared:12 - cgroup cgroup "
		"rw,cpu,cpuacct\n";
	static const char unified[] =
		"35 25 0:30 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 "
		"cgroup2 rw,nsdelegate,memory_recursiveprot\n"
		"36 25 0:31 / /sys/fs/bpf rw shared:10 - bpf bpf rw,mode=700\n"
		"90 1 0:30 /system.slice /mnt/a\\040part rw - cgroup2 cgroup2 rw\n";
	static const char broken[] = "garbage\n"
				     "1 2 0:3 / /a\\9 rw - cgroup2 cgroup2 rw\n"
				     "\n"
				     "1 2 0:3 / /good rw - cgroup2 cgroup2 rw\n";
	char points[256];

	(void)state;
	assert_int_equal(find_cgroup2(hybrid, points, sizeof(points)), 0);
	assert_string_equal(points, "/sys/fs/cgroup/unified;");
	assert_int_equal(find_cgroup2(unified, points, sizeof(points)), 0);
	assert_string_equal(points, "/sys/fs/cgroup;/mnt/a part;");
	/* A line that is not understood does not hide the ones behind it. */
	assert_int_equal(find_cgroup2(broken, points, sizeof(points)), 3);
	assert_string_equal(points, "/good;");
}

static void own_mountinfo(void **state)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	struct mount m;
	int n = 0, r;

	(void)state;
	assert_non_null(f);
	while ((r = mountinfo_next(f, &m))) {
		assert_int_equal(r, 1);
		assert_true(m.point[0] == '/' && m.fstype[0]);
		n++;
	}
	fclose(f);
	assert_true(n > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(optional_fields), cmocka_unit_test(escapes),
		cmocka_unit_test(malformed),       cmocka_unit_test(too_long),
		cmocka_unit_test(whole_files),     cmocka_unit_test(own_mountinfo),
	};

	return cmocka_run_group_tests_name("mountinfo", tests, NULL, NULL);
}
