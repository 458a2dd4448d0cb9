/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Descriptors of processes, and what they tell: the pid, and since Linux 6.15 (PIDFD_GET_INFO) the
 * exit status of a process that is not a child.
 */
#ifndef USN_PIDFD_H
#define USN_PIDFD_H

/*
 * As wait(2) has it. -EAGAIN: the process is there yet, or its parent has not fetched the status;
 * poll(2) says POLLHUP when it is gone. -ENOSYS: the kernel does not know.
 */
int pidfd_status(int fd, int *ret);

/* A descriptor for the process, close-on-exec, or -errno. */
int pidfd_of(int pid);

/* The process of a descriptor; -1: it has ended. */
int pidfd_pid(int fd);

/* 0, or -ENOSYS if this kernel tells no status: tried with a child that ends at once. */
int pidfd_status_works(void);

#endif
