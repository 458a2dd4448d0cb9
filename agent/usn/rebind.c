// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The sockets of running processes. */
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/sockets.h"
#include "usn/rebind.h"

struct visit {
	struct rebind *b;
	pid_t pid;
	char comm[64];
};

static int note(struct rebind *b, uint64_t cookie)
{
	uint64_t *more = realloc(b->seen, (b->n_seen + 1) * sizeof(*more));

	if (!more)
		return -ENOMEM;
	b->seen = more;
	b->seen[b->n_seen++] = cookie;
	return 0;
}

static bool was_seen(const struct rebind *b, uint64_t cookie)
{
	size_t i;

	for (i = 0; i < b->n_seen; i++) {
		if (b->seen[i] == cookie)
			return true;
	}
	return false;
}

/* The address as exemptions have it; false: it is none, or the unspecified one. */
static bool place_of(const struct sockaddr_storage *sa, uint8_t addr[16], uint16_t *port)
{
	static const uint8_t none[16], none4[16] = { [10] = 0xff, 0xff };
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)sa;
	const struct sockaddr_in *in = (const struct sockaddr_in *)sa;

	if (sa->ss_family == AF_INET) {
		memcpy(addr, none4, 16);
		memcpy(addr + 12, &in->sin_addr, 4);
		*port = ntohs(in->sin_port);
	} else if (sa->ss_family == AF_INET6) {
		memcpy(addr, &in6->sin6_addr, 16);
		*port = ntohs(in6->sin6_port);
	}
	return sa->ss_family && memcmp(addr, none, 16) && memcmp(addr, none4, 16);
}

/* As at connect the far end counts, and as at bind the near end of what has none. */
static bool is_exempt(const struct rebind *b, const struct process_socket *s)
{
	int protocol = s->protocol == 262 /* IPPROTO_MPTCP */ ? IPPROTO_TCP : s->protocol;
	uint8_t addr[16] = { 0 };
	uint16_t port = 0;

	if (!place_of(&s->peer, addr, &port) && !place_of(&s->local, addr, &port))
		return false;
	return exempt_covers(&b->except, addr, port, (uint8_t)protocol);
}

static const char *change(const struct rebind *b, const struct process_socket *s, int dup)
{
	if (!b->change)
		return "left as it is";
	if (*b->device && is_exempt(b, s))
		return "left: exempt";
	if (setsockopt(dup, SOL_SOCKET, SO_BINDTODEVICE, b->device,
		       (socklen_t)strlen(b->device) + 1) < 0)
		return strerror(errno);
	return *b->device ? "rebound" : "freed";
}

static int visit(const struct process_socket *s, int dup, void *arg)
{
	char protocol[16], local[SOCKET_ADDR_SIZE], peer[SOCKET_ADDR_SIZE], device[IF_NAMESIZE];
	struct visit *v = arg;
	int r;

	if (was_seen(v->b, s->cookie))
		return 0;
	r = note(v->b, s->cookie);
	if (r < 0)
		return r;
	if (!s->ifindex)
		memcpy(device, "-", 2);
	else if (!if_indextoname(s->ifindex, device))
		snprintf(device, sizeof(device), "%u", s->ifindex);
	printf("%d/%s fd %d %s %s > %s on %s: %s\n", v->pid, v->comm, s->fd,
	       socket_protocol_text(s, protocol), socket_addr_text(&s->local, local),
	       socket_addr_text(&s->peer, peer), device, change(v->b, s, dup));
	return 0;
}

/* The command; anything can be in it. */
static void read_comm(pid_t pid, char *ret, size_t size)
{
	_cleanup_fclose_ FILE *f = NULL;
	char path[32], *c;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	f = fopen(path, "re");
	if (!f || !fgets(ret, (int)size, f))
		snprintf(ret, size, "?");
	ret[strcspn(ret, "\n")] = '\0';
	for (c = ret; *c; c++) {
		if (*c < ' ' || *c > '~')
			*c = '?';
	}
}

int rebind_process(struct rebind *b, pid_t pid, struct usn_err *e)
{
	struct visit v = { .b = b, .pid = pid };
	int r;

	read_comm(pid, v.comm, sizeof(v.comm));
	r = sockets_each(pid, visit, &v);
	return r < 0 ? usn_fail_errno(e, -r, "cannot look at the sockets of process %d", pid) : 0;
}
