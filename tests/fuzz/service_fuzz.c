// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Any bytes from a caller to the agent's service, as root or as a user who may use usn0 alone. The
 * service answers every call with one JSON object, result or error, and goes on; the user gets
 * nothing that is root's.
 *
 * The service is the real one, with its socket and all its methods. What a method would do to the
 * kernel is left out: the functions below stand in for it. The first byte chooses who calls.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "client/varlink.h"
#include "tap/tap_programs.h"
#include "usnd/agent.h"
#include "usnd/behind/queue.h"
#include "usnd/device/device.h"
#include "usnd/os/netlink.h"
#include "usnd/presence.h"
#include "usnd/run/ambient.h"
#include "usnd/run/bound.h"
#include "usnd/run/run.h"
#include "usnd/service/methods.h"
#include "usnd/service/report.h"
#include "usnd/service/service.h"
#include "fuzz.h"

#define USER 65534

static struct agent agent;
static int null = -1;
static bool as_root;

/* What is root's, and what asks first whether the caller may. */
static void done_by_root(void)
{
	demand(as_root);
}

static void done_to(const struct device *d)
{
	demand(as_root || d->number == 0);
}

int __wrap_device_up(struct agent *a, uint32_t number, const struct settings *s, struct usn_err *e);
int __wrap_device_down(struct device *d, struct usn_err *e);
void __wrap_device_forget(struct device *d);
int __wrap_run_start(struct device *d, const struct run_options *o, struct run **ret,
		     int *ret_procs_fd, struct usn_err *e);
int __wrap_bound_start(struct device *d, const char *path, const struct run_options *o,
		       struct run **ret, struct usn_err *e);
int __wrap_bound_end(struct agent *a, const char *path, struct usn_err *e);
int __wrap_ambient_on(struct agent *a, const char *path, struct usn_err *e);
void __wrap_ambient_off(struct agent *a);
int __wrap_netlink_link(struct netlink *nl, uint32_t ifindex, struct link_state *ret);
int __wrap_queue_lend(struct behind *b, pid_t pid, int pidfd, struct usn_err *e);
int __wrap_report_device(struct device *d, bool all, json_t **ret, struct usn_err *e);
json_t *__wrap_report_ambient(const struct agent *a);
int __wrap_tap_programs_load(struct tap_programs *p, const struct usn_tap_options *o,
			     uint64_t cgroup, const struct filter *f, struct usn_err *e);
int __wrap_tap_programs_attach(struct tap_programs *p, uint32_t ifindex, const char *device,
			       struct usn_err *e);
void __wrap_tap_programs_give(struct tap_programs *p, int *ret_in_fd, int *ret_out_fd);
void __wrap_tap_programs_free(struct tap_programs *p);
void __wrap_settings_path(uint32_t number, char ret[64]);

int __wrap_device_up(struct agent *a, uint32_t number, const struct settings *s, struct usn_err *e)
{
	done_by_root();
	demand(a == &agent && number < USN_DEVICES_MAX && s->mtu);
	return number % 2 ? usn_fail(e, EBUSY, "usn%u is taken", number) : 0;
}

int __wrap_device_down(struct device *d, struct usn_err *e)
{
	(void)d, (void)e;
	done_by_root();
	return 0;
}

void __wrap_device_forget(struct device *d)
{
	demand(!d->ifindex);
}

int __wrap_run_start(struct device *d, const struct run_options *o, struct run **ret,
		     int *ret_procs_fd, struct usn_err *e)
{
	(void)ret, (void)ret_procs_fd;
	done_to(d);
	demand(o->except.n <= USN_RULES_MAX);
	return usn_fail(e, ENOSPC, "there is no room for a run");
}

int __wrap_bound_start(struct device *d, const char *path, const struct run_options *o,
		       struct run **ret, struct usn_err *e)
{
	(void)o, (void)ret;
	done_by_root();
	done_to(d);
	return usn_fail(e, ENOENT, "cannot open the cgroup %.200s", path);
}

int __wrap_bound_end(struct agent *a, const char *path, struct usn_err *e)
{
	(void)a;
	done_by_root();
	return usn_fail(e, ENOENT, "the cgroup %.200s is not bound", path);
}

int __wrap_ambient_on(struct agent *a, const char *path, struct usn_err *e)
{
	(void)a;
	done_by_root();
	return path ? usn_fail(e, ENOENT, "cannot open the cgroup %.200s", path) : 0;
}

void __wrap_ambient_off(struct agent *a)
{
	(void)a;
	done_by_root();
}

int __wrap_netlink_link(struct netlink *nl, uint32_t ifindex, struct link_state *ret)
{
	(void)nl;
	*ret = (struct link_state){ .ifindex = ifindex, .name = "usn0", .up = true };
	return 0;
}

int __wrap_queue_lend(struct behind *b, pid_t pid, int pidfd, struct usn_err *e)
{
	(void)pid, (void)e;
	demand(as_root || !strcmp(b->name, "usn0"));
	close_fd(pidfd);
	return 0;
}

int __wrap_report_device(struct device *d, bool all, json_t **ret, struct usn_err *e)
{
	(void)all, (void)e;
	done_to(d);
	*ret = json_pack("{s:s}", "name", d->name);
	return 0;
}

json_t *__wrap_report_ambient(const struct agent *a)
{
	(void)a;
	return json_object();
}

int __wrap_tap_programs_load(struct tap_programs *p, const struct usn_tap_options *o,
			     uint64_t cgroup, const struct filter *f, struct usn_err *e)
{
	(void)cgroup, (void)f, (void)e;
	demand(o->snaplen <= 65535 && o->ring_bytes <= 1U << 30 && o->directions <= 3);
	demand(!o->comm || strlen(o->comm) < USN_COMM_SIZE);
	*p = (struct tap_programs){ .ring_fd = null, .bell_fd = null, .stages_fd = null };
	return 0;
}

int __wrap_tap_programs_attach(struct tap_programs *p, uint32_t ifindex, const char *device,
			       struct usn_err *e)
{
	(void)p, (void)e;
	demand(ifindex && (as_root || !strcmp(device, "usn0")));
	return 0;
}

void __wrap_tap_programs_give(struct tap_programs *p, int *ret_in_fd, int *ret_out_fd)
{
	(void)p;
	*ret_in_fd = dup(null);
	*ret_out_fd = dup(null);
}

void __wrap_tap_programs_free(struct tap_programs *p)
{
	*p = (struct tap_programs){ 0 };
}

/* The file of usn0 allows it to the user; no other device has one. */
void __wrap_settings_path(uint32_t number, char ret[64])
{
	static const char text[] = "[Device]\nUser=65534\n";
	static int fd = -1;

	if (fd < 0) {
		fd = memfd_create("usn0.conf", MFD_CLOEXEC);
		demand(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	}
	snprintf(ret, 64, number ? "/proc/self/fd/none" : "/proc/self/fd/%d", fd);
}

static void add_device(uint32_t number, uint32_t ifindex)
{
	struct device *d = calloc(1, sizeof(*d));

	demand(d != NULL);
	d->agent = &agent;
	d->number = number;
	d->ifindex = ifindex;
	snprintf(d->name, sizeof(d->name), "usn%u", number);
	settings_default(number, &d->settings);
	d->behind.name = d->name;
	d->behind.queue.fd = null;
	d->behind.rig.fd = -1;
	agent.devices[number] = d;
	agent.n_devices++;
}

/* One connection. */
static struct client {
	int fd;
	const uint8_t *data;
	size_t size;
	char *answers; /* as they came */
	size_t n;
} client;

/* What the agent keeps for the descriptors that it sends is given back at once. */
static ssize_t receive(void)
{
	char bytes[65536], control[CMSG_SPACE(4 * sizeof(int))];
	struct iovec iov = { bytes, sizeof(bytes) };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(client.fd, &m, MSG_DONTWAIT);
	struct cmsghdr *c = n < 0 ? NULL : CMSG_FIRSTHDR(&m);
	int fd;

	if (c && c->cmsg_type == SCM_RIGHTS) {
		demand(c->cmsg_len == CMSG_LEN(sizeof(int)));
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
		close(fd);
	}
	if (n > 0) {
		client.answers = realloc(client.answers, client.n + (size_t)n + 1);
		demand(client.answers != NULL);
		memcpy(client.answers + client.n, bytes, (size_t)n);
		client.n += (size_t)n;
	}
	return n;
}

/* When the service has done what there was: sends what is left, and reads until it hangs up. */
static void play(struct loop *l)
{
	ssize_t n = client.size
			    ? send(client.fd, client.data, client.size, MSG_DONTWAIT | MSG_NOSIGNAL)
			    : 0;

	service_settle(agent.service);
	if (n > 0) {
		client.data += n;
		client.size -= (size_t)n;
	} else if (n < 0 && errno != EAGAIN) {
		client.size = 0;
	}
	if (!client.size)
		shutdown(client.fd, SHUT_WR);
	while ((n = receive()) > 0)
		;
	l->stop = n == 0 || errno != EAGAIN;
}

static void connect_as(uid_t uid)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX, .sun_path = USN_SOCKET };

	client.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	demand(client.fd >= 0 && !seteuid(uid));
	demand(!connect(client.fd, (struct sockaddr *)&sa, sizeof(sa)));
	demand(!seteuid(0));
}

/* Each is an object with one of two members; there are no more than calls. */
static void check_answers(size_t calls)
{
	json_t *o;
	size_t at, n = 0;

	for (at = 0; at < client.n; at += strlen(client.answers + at) + 1, n++) {
		demand(memchr(client.answers + at, '\0', client.n - at) != NULL);
		o = json_loads(client.answers + at, JSON_REJECT_DUPLICATES, NULL);
		demand(json_is_object(json_object_get(o, "parameters")));
		demand(!json_object_get(o, "error") || json_is_string(json_object_get(o, "error")));
		json_decref(o);
	}
	demand(n <= calls);
}

static void open_service(void)
{
	struct usn_err e;

	if (mkdir("/run/usn", 0755) < 0) {
		fprintf(stderr, "/run/usn is there: run this in tools/sandbox\n");
		exit(1);
	}
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	demand(null >= 0 && !loop_init(&agent.loop));
	agent.loop.settled = play;
	agent.cgroup_fd = agent.cgroup_root_fd = -1;
	add_device(0, 5);
	add_device(1, 6);
	add_device(2, 0); /* gone */
	demand(!service_open(&agent, methods, &e) && !service_listen(agent.service, &e));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t calls = 0;

	if (null < 0)
		open_service();
	if (!size)
		return 0;
	as_root = !(data[0] & 1);
	for (size_t i = 1; i < size; i++)
		calls += !data[i];
	client = (struct client){ .data = data + 1, .size = size - 1 };
	connect_as(as_root ? 0 : USER);
	agent.loop.stop = false;
	demand(!loop_run(&agent.loop));
	check_answers(calls);
	free(client.answers);
	close(client.fd);
	return 0;
}
