// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The connection to rtnetlink, by libmnl, and requests of several messages. */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "usnd/os/netlink.h"
#include "usnd/os/netlink_request.h"

struct netlink {
	struct mnl_socket *sock;
	uint32_t seq;
	/* The request being built. */
	char *request;
	size_t len;
	uint32_t first_seq;
	/* Why the last one failed, in the kernel's words; empty: it gave none. */
	char reason[128];
};

/* For reasons in words, and no copy of the request. A kernel that has neither gives its errno. */
static void ask_for_reasons(struct mnl_socket *sock)
{
	int on = 1;

	mnl_socket_setsockopt(sock, NETLINK_EXT_ACK, &on, sizeof(on));
	mnl_socket_setsockopt(sock, NETLINK_CAP_ACK, &on, sizeof(on));
}

int netlink_open(struct netlink **ret, struct usn_err *e)
{
	struct netlink *nl = calloc(1, sizeof(*nl));

	if (!nl)
		return usn_fail(e, ENOMEM, "out of memory");
	nl->request = calloc(1, NETLINK_REQUEST_SIZE);
	nl->sock = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!nl->request || !nl->sock || mnl_socket_bind(nl->sock, 0, MNL_SOCKET_AUTOPID) < 0) {
		netlink_free(nl);
		return usn_fail_errno(e, errno, "cannot open a netlink socket");
	}
	ask_for_reasons(nl->sock);
	*ret = nl;
	return 0;
}

struct netlink *netlink_free(struct netlink *nl)
{
	if (!nl)
		return NULL;
	if (nl->sock)
		mnl_socket_close(nl->sock);
	free(nl->request);
	free(nl);
	return NULL;
}

void netlink_begin(struct netlink *nl)
{
	/* Padding goes to the kernel, too. */
	memset(nl->request, 0, nl->len);
	nl->len = 0;
	*nl->reason = '\0';
	nl->first_seq = nl->seq + 1;
}

struct nlmsghdr *netlink_message(struct netlink *nl, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(nl->request + nl->len);

	h->nlmsg_type = type;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	h->nlmsg_seq = ++nl->seq;
	return h;
}

void netlink_finish(struct netlink *nl, const struct nlmsghdr *h)
{
	nl->len += MNL_ALIGN(h->nlmsg_len);
}

static int read_reason(const struct nlattr *attr, void *arg)
{
	struct netlink *nl = arg;

	if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG &&
	    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
		snprintf(nl->reason, sizeof(nl->reason), "%s", mnl_attr_get_str(attr));
	return MNL_CB_OK;
}

static void note_reason(struct netlink *nl, const struct nlmsghdr *answer)
{
	const unsigned int flags = NLM_F_CAPPED | NLM_F_ACK_TLVS;

	if ((answer->nlmsg_flags & flags) == flags)
		mnl_attr_parse(answer, sizeof(struct nlmsgerr), read_reason, nl);
}

const char *netlink_reason(const struct netlink *nl, int code)
{
	return *nl->reason ? nl->reason : strerror(code);
}

int netlink_commit(struct netlink *nl, int tolerated, uint32_t *ret_failed)
{
	_Alignas(struct nlmsghdr) char buf[8192];
	uint32_t seq;
	int r = 0;

	if (mnl_socket_sendto(nl->sock, nl->request, nl->len) < 0)
		return -errno;
	for (seq = nl->first_seq; seq <= nl->seq; seq++) {
		ssize_t n = mnl_socket_recvfrom(nl->sock, buf, sizeof(buf));

		if (n < 0)
			return -errno;
		n = mnl_cb_run(buf, (size_t)n, seq, mnl_socket_get_portid(nl->sock), NULL, NULL);
		if (n < 0 && errno != tolerated && !r) {
			r = -errno;
			note_reason(nl, (const struct nlmsghdr *)buf);
			if (ret_failed)
				*ret_failed = seq - nl->first_seq;
		}
	}
	return r;
}

int netlink_ask(struct netlink *nl, mnl_cb_t cb, void *arg)
{
	_cleanup_free_ char *buf = malloc(32768);
	ssize_t n;
	int r;

	if (!buf)
		return -ENOMEM;
	if (mnl_socket_sendto(nl->sock, nl->request, nl->len) < 0)
		return -errno;
	do {
		n = mnl_socket_recvfrom(nl->sock, buf, 32768);
		if (n < 0)
			return -errno;
		r = mnl_cb_run(buf, (size_t)n, nl->seq, mnl_socket_get_portid(nl->sock), cb, arg);
	} while (r > 0);
	return r < 0 ? -errno : 0;
}
