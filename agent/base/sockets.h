/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The IP sockets of a process, looked at from outside:
 * each descriptor is duplicated by pidfd_getfd(2), asked, and closed again,
 * so that sockets are seen that no list of the kernel's has, because they never were bound.
 */
#ifndef USN_SOCKETS_H
#define USN_SOCKETS_H

#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

struct process_socket {
	int fd;                              /* its number in the process */
	int family;                          /* AF_INET, AF_INET6 */
	int type;                            /* SOCK_* */
	int protocol;                        /* IPPROTO_* */
	uint32_t ifindex;                    /* what it is bound to; 0: nothing */
	uint64_t cookie;                     /* the same in all processes that have it */
	struct sockaddr_storage local, peer; /* ss_family 0: there is none */
};

/*
 * Calls f for each IP socket of the process, in the order of descriptors, until f returns other
 * than 0, which is returned. dup is a descriptor of the caller's for the same socket, closed after
 * f. A process that has ended has none. -errno: it could not be looked at (-EPERM, -EMFILE, ...).
 */
int sockets_each(pid_t pid, int (*f)(const struct process_socket *s, int dup, void *arg),
		 void *arg);

/* "tcp", "udp6", ... */
const char *socket_protocol_text(const struct process_socket *s, char buf[16]);

#define SOCKET_ADDR_SIZE 64
/* "192.0.2.1:80", "[2001:db8::1]:80", or "*" if there is none; returns buf. */
const char *socket_addr_text(const struct sockaddr_storage *sa, char buf[SOCKET_ADDR_SIZE]);

#endif
