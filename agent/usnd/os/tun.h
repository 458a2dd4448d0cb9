/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * TUN queues (Documentation/networking/tuntap.rst): one a device, so that packets keep their order.
 */
#ifndef USN_TUN_H
#define USN_TUN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct usn_err;

/*
 * Makes a device that lasts as long as *ret_fd, its only queue, is open, until tun_keep().
 * -EEXIST: an interface of that name exists.
 */
int tun_create(const char *name, int *ret_fd, uint32_t *ret_ifindex, struct usn_err *e);

/* Makes the device outlive its queue. 0 or -errno. */
int tun_keep(int fd);

/* Opens the queue of a device that exists. -EBUSY: another process has it open. */
int tun_attach(const char *name, int *ret_fd, struct usn_err *e);

/* Whether process 1 has the queue open, which keeps descriptors for services. */
bool tun_is_kept(const char *name);

/*
 * Finds a process that has the queue open and opens the same one: the same open file, in *ret_fd,
 * and the process as pid and pidfd. -ESRCH: none is found.
 */
int tun_borrow(const char *name, int *ret_fd, pid_t *ret_pid, int *ret_pidfd);

/* Whether the descriptor is the queue of the device of this name in our network namespace. */
bool tun_is(int fd, const char *name);

/*
 * Reads one packet without waiting, whatever other holders of the open file have set. -EAGAIN:
 * none.
 */
ssize_t tun_read(int fd, void *buf, size_t size);

#endif
