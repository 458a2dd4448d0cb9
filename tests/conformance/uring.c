/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A UDP socket that is made, connected and sent from by io_uring: uring ADDRESS PORT [DEVICE]. It asks for
 * the device between. Prints "ok", or the error's number; that of the device does not end it.
 * By raw system calls, for there need be no liburing. io_uring_enter(2), Linux 5.19 for IORING_OP_SOCKET.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/io_uring.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

struct ring {
	int fd;
	struct io_uring_params params;
	char *sq, *cq;
	struct io_uring_sqe *sqes;
};

static void finish(int error)
{
	if (error)
		printf("%d\n", error);
	else
		puts("ok");
	exit(0);
}

static void *map(const struct ring *r, size_t size, off_t what)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, r->fd, what);

	if (p == MAP_FAILED)
		finish(errno);
	return p;
}

static void ring_open(struct ring *r)
{
	struct io_uring_params *p = &r->params;

	r->fd = (int)syscall(SYS_io_uring_setup, 1, p);
	if (r->fd < 0)
		finish(errno);
	r->sq = map(r, p->sq_off.array + p->sq_entries * sizeof(uint32_t), IORING_OFF_SQ_RING);
	r->cq = map(r, p->cq_off.cqes + p->cq_entries * sizeof(struct io_uring_cqe),
		    IORING_OFF_CQ_RING);
	r->sqes = map(r, p->sq_entries * sizeof(struct io_uring_sqe), IORING_OFF_SQES);
}

/* Submits the one entry and waits for its result, a number or -errno. */
static int32_t attempt(struct ring *r, const struct io_uring_sqe *sqe)
{
	uint32_t *tail = (uint32_t *)(r->sq + r->params.sq_off.tail);
	uint32_t *array = (uint32_t *)(r->sq + r->params.sq_off.array);
	uint32_t *head = (uint32_t *)(r->cq + r->params.cq_off.head);
	struct io_uring_cqe *cqes = (struct io_uring_cqe *)(r->cq + r->params.cq_off.cqes);
	int32_t result;

	r->sqes[0] = *sqe;
	array[*tail & (r->params.sq_entries - 1)] = 0;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, r->fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
		finish(errno);
	result = cqes[*head & (r->params.cq_entries - 1)].res;
	__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
	return result;
}

static int32_t submit(struct ring *r, const struct io_uring_sqe *sqe)
{
	int32_t result = attempt(r, sqe);

	if (result < 0)
		finish(-result);
	return result;
}

/* SOCKET_URING_OP_SETSOCKOPT, Linux 6.7; older headers have neither its number nor the names of its fields. */
static int32_t bind_to_device(struct ring *r, int fd, const char *device)
{
	struct io_uring_sqe sqe = {
		.opcode = IORING_OP_URING_CMD,
		.fd = fd,
		.off = 3,
		.addr = SOL_SOCKET | (uint64_t)SO_BINDTODEVICE << 32,
		.file_index = (uint32_t)strlen(device),
		.addr3 = (uintptr_t)device,
	};

	return attempt(r, &sqe);
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct ring r = { 0 };
	struct io_uring_sqe sqe = { .opcode = IORING_OP_SOCKET, .fd = AF_INET, .off = SOCK_DGRAM };
	int32_t bound = 0;
	int fd;

	if (argc < 3 || argc > 4 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1)
		return 2;
	to.sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10));
	ring_open(&r);
	fd = submit(&r, &sqe);
	if (argc == 4)
		bound = bind_to_device(&r, fd, argv[3]);
	sqe = (struct io_uring_sqe){
		.opcode = IORING_OP_CONNECT, .fd = fd, .addr = (uintptr_t)&to, .off = sizeof(to)
	};
	submit(&r, &sqe);
	sqe = (struct io_uring_sqe){
		.opcode = IORING_OP_SEND, .fd = fd, .addr = (uintptr_t) "x", .len = 1
	};
	submit(&r, &sqe);
	finish(-bound);
}
