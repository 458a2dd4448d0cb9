// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Varlink's wire, over a real socket: messages in any pieces, descriptors beside them, slow readers. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "client/varlink.h"

#define IN_MAX 8192

/* "us" is what is tested, "them" a plain socket. */
struct pair {
	struct varlink us;
	int them;
};

static struct pair pair_open(int flags)
{
	struct pair p;
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0, fds), 0);
	varlink_init(&p.us, fds[0], IN_MAX);
	p.them = fds[1];
	return p;
}

static void pair_close(struct pair *p)
{
	varlink_done(&p->us);
	close_fd(p->them);
}

static int open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static void say(struct pair *p, const void *data, size_t n)
{
	assert_int_equal(send(p->them, data, n, MSG_NOSIGNAL), n);
}

/* The next message has this integer as "n". */
static void assert_next(struct pair *p, int n)
{
	json_t *msg = NULL;

	assert_int_equal(varlink_next(&p->us, &msg), 1);
	assert_int_equal(json_integer_value(json_object_get(msg, "n")), n);
	json_decref(msg);
}

static void assert_none(struct pair *p)
{
	json_t *msg = NULL;

	assert_int_equal(varlink_next(&p->us, &msg), 0);
	assert_null(msg);
}

static void split_message(void **state)
{
	static const char text[] = "{\"n\": 1, \"s\": \"\xc3\xa4\"}"; /* with its NUL */
	struct pair p = pair_open(0);

	(void)state;
	assert_none(&p);
	for (size_t i = 0; i < sizeof(text); i++) {
		assert_none(&p);
		say(&p, text + i, 1);
		assert_int_equal(varlink_read(&p.us), 1);
	}
	assert_next(&p, 1);
	assert_none(&p);
	pair_close(&p);
}

static void several_in_one_read(void **state)
{
	static const char text[] = "{\"n\":1}\0{\"n\":2}\0{\"n\":3}\0{\"n\"";
	struct pair p = pair_open(0);

	(void)state;
	say(&p, text, sizeof(text) - 1);
	assert_int_equal(varlink_read(&p.us), 1);
	assert_next(&p, 1);
	assert_next(&p, 2);
	assert_next(&p, 3);
	assert_none(&p);
	/* The rest of the fourth. */
	say(&p, ":4}", 4);
	assert_int_equal(varlink_read(&p.us), 1);
	assert_next(&p, 4);
	assert_none(&p);
	pair_close(&p);
}

/* A message of n bytes with its NUL. */
static char *message_of(size_t n)
{
	char *text = malloc(n);

	assert_non_null(text);
	memset(text, 'x', n);
	memcpy(text, "{\"n\":7,\"x\":\"", 12);
	memcpy(text + n - 3, "\"}", 3);
	return text;
}

/* Reads until a message is whole, or reading fails. */
static int read_message(struct pair *p, json_t **ret)
{
	int r;

	while (!(r = varlink_next(&p->us, ret))) {
		r = varlink_read(&p->us);
		if (r <= 0)
			return r;
	}
	return r;
}

static void longest_message(void **state)
{
	char *text = message_of(IN_MAX);
	struct pair p = pair_open(SOCK_NONBLOCK);
	json_t *msg = NULL;

	(void)state;
	for (int i = 0; i < 3; i++) {
		say(&p, text, IN_MAX);
		assert_int_equal(read_message(&p, &msg), 1);
		assert_int_equal(json_integer_value(json_object_get(msg, "n")), 7);
		json_decref(msg);
	}
	free(text);
	pair_close(&p);
}

static void too_long_message(void **state)
{
	char *text = message_of(IN_MAX + 1);
	struct pair p = pair_open(SOCK_NONBLOCK);
	json_t *msg = NULL;

	(void)state;
	say(&p, text, IN_MAX + 1);
	assert_int_equal(read_message(&p, &msg), -EMSGSIZE);
	assert_null(msg);
	/* And it does not get better by asking again, nor does it grow. */
	assert_int_equal(varlink_read(&p.us), -EMSGSIZE);
	assert_true(p.us.in_size <= IN_MAX);
	free(text);
	pair_close(&p);
}

static void not_json(void **state)
{
	static const char *const bad[] = { "",
					   " ",
					   "garbage",
					   "GET / HTTP/1.1\r\n\r\n",
					   "[]",
					   "[{}]",
					   "1",
					   "null",
					   "\"text\"",
					   "{",
					   "{} {}",
					   "{}x",
					   "{\"a\"}",
					   "{'a':1}",
					   "{\"a\":\"\xff\"}",
					   "{\"a\":\"\\u0000\"}",
					   "{\"a\":\"\n\"}" };
	struct pair p = pair_open(SOCK_NONBLOCK);
	json_t *msg = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		say(&p, bad[i], strlen(bad[i]) + 1);
		say(&p, "{\"n\":5}", 8);
		assert_int_equal(varlink_read(&p.us), 1);
		if (varlink_next(&p.us, &msg) != -EBADMSG)
			fail_msg("taken: %s", bad[i]);
		assert_null(msg);
		/* The one behind it is whole again. */
		assert_next(&p, 5);
		assert_none(&p);
	}
	pair_close(&p);
}

static void deep_nesting(void **state)
{
	char text[IN_MAX];
	struct pair p = pair_open(SOCK_NONBLOCK);
	json_t *msg = NULL;

	(void)state;
	memset(text, '[', sizeof(text));
	memcpy(text, "{\"a\":", 5);
	text[sizeof(text) - 1] = '\0';
	say(&p, text, sizeof(text));
	assert_int_equal(read_message(&p, &msg), -EBADMSG);
	pair_close(&p);
}

static void ends(void **state)
{
	struct pair p = pair_open(SOCK_NONBLOCK);

	(void)state;
	assert_int_equal(varlink_read(&p.us), -EAGAIN);
	say(&p, "{\"n\":1}\0{\"n\"", 12);
	close(p.them);
	p.them = -1;
	/* What was said before the end is there. */
	assert_int_equal(varlink_read(&p.us), 1);
	assert_next(&p, 1);
	assert_none(&p);
	assert_int_equal(varlink_read(&p.us), 0);
	assert_none(&p);
	pair_close(&p);
}

/* Sends text with n descriptors. */
static void say_with(struct pair *p, const char *text, const int *fds, size_t n)
{
	char control[CMSG_SPACE(8 * sizeof(int))] = { 0 };
	struct iovec iov = { (char *)text, strlen(text) + 1 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = CMSG_SPACE(n * sizeof(int)) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(c), fds, n * sizeof(int));
	assert_int_equal(sendmsg(p->them, &msg, MSG_NOSIGNAL), iov.iov_len);
}

static void assert_same_file(int a, int b)
{
	struct stat sa, sb;

	assert_int_equal(fstat(a, &sa), 0);
	assert_int_equal(fstat(b, &sb), 0);
	assert_true(sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino);
}

static void descriptor_comes(void **state)
{
	int before = open_descriptors();
	struct pair p = pair_open(0);
	int fds[2];

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(p.us.in_fd, -1);
	say_with(&p, "{\"n\":1}", fds, 1);
	assert_int_equal(varlink_read(&p.us), 1);
	assert_next(&p, 1);
	assert_same_file(p.us.in_fd, fds[0]);
	assert_true(fcntl(p.us.in_fd, F_GETFD) & FD_CLOEXEC);
	/* A message without one leaves it, one with another replaces it. */
	say(&p, "{\"n\":2}", 8);
	assert_int_equal(varlink_read(&p.us), 1);
	assert_same_file(p.us.in_fd, fds[0]);
	say_with(&p, "{\"n\":3}", fds + 1, 1);
	assert_int_equal(varlink_read(&p.us), 1);
	assert_same_file(p.us.in_fd, fds[1]);
	close(fds[0]);
	close(fds[1]);
	pair_close(&p);
	assert_int_equal(open_descriptors(), before);
}

/* More than the one that is wanted: none of them may stay open unseen. */
static void descriptors_do_not_pile_up(void **state)
{
	int before = open_descriptors();

	(void)state;
	for (size_t n = 1; n <= 8; n++) {
		struct pair p = pair_open(0);
		int fds[8];

		for (size_t i = 0; i < 8; i++)
			fds[i] = p.them;
		for (int i = 0; i < 3; i++) {
			say_with(&p, "{\"n\":1}", fds, n);
			assert_int_equal(varlink_read(&p.us), 1);
			assert_next(&p, 1);
		}
		pair_close(&p);
		if (open_descriptors() != before)
			fail_msg("%d descriptors are left of messages with %zu",
				 open_descriptors() - before, n);
	}
}

static void descriptor_goes(void **state)
{
	struct pair a = pair_open(SOCK_NONBLOCK);
	struct varlink them;
	json_t *msg = json_pack("{s:i}", "n", 4), *got = NULL;
	int fds[2];

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	varlink_init(&them, a.them, IN_MAX);
	assert_int_equal(varlink_send(&a.us, msg, fds[0]), 0);
	assert_int_equal(varlink_read(&them), 1);
	assert_int_equal(varlink_next(&them, &got), 1);
	assert_true(json_equal(msg, got));
	assert_same_file(them.in_fd, fds[0]);
	/* It was lent, not given. */
	assert_true(fcntl(fds[0], F_GETFD) >= 0);
	json_decref(got);
	json_decref(msg);
	close(fds[0]);
	close(fds[1]);
	varlink_done(&them);
	varlink_done(&a.us);
}

#define MESSAGES 500

static json_t *numbered(int n)
{
	return json_pack(
		"{s:i, s:s}", "n", n, "padding",
		"0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz");
}

/* Sends until the socket takes no more and something waits. Returns how many. */
static int fill(struct pair *p)
{
	int n = 0, small = 4096;

	assert_int_equal(setsockopt(p->us.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
	while (n < MESSAGES) {
		json_t *msg = numbered(n++);

		assert_int_equal(varlink_send(&p->us, msg, -1), 0);
		json_decref(msg);
	}
	assert_true(p->us.out_len > 0);
	return n;
}

/* Nothing is lost, and nothing changes places, when the other side reads late and in crumbs. */
static void slow_reader(void **state)
{
	struct pair p = pair_open(SOCK_NONBLOCK);
	struct varlink them;
	int sent = fill(&p), got = 0, r = 1;
	json_t *msg;

	(void)state;
	varlink_init(&them, p.them, IN_MAX);
	assert_int_equal(varlink_flush(&p.us), 1);
	while (got < sent) {
		assert_int_equal(varlink_read(&them), 1);
		while (varlink_next(&them, &msg) == 1) {
			json_t *want = numbered(got++);

			assert_true(json_equal(msg, want));
			json_decref(want);
			json_decref(msg);
		}
		r = varlink_flush(&p.us);
		assert_true(r >= 0);
	}
	assert_int_equal(r, 0);
	assert_int_equal(p.us.out_len, 0);
	assert_int_equal(varlink_read(&them), -EAGAIN);
	/* And then it is as new. */
	msg = numbered(1);
	assert_int_equal(varlink_send(&p.us, msg, -1), 0);
	json_decref(msg);
	assert_int_equal(p.us.out_len, 0);
	varlink_done(&them);
	varlink_done(&p.us);
}

/* A descriptor would come with the wrong message, so it is refused while something waits. */
static void descriptor_behind_a_queue(void **state)
{
	struct pair p = pair_open(SOCK_NONBLOCK);
	json_t *msg = numbered(0);
	size_t waiting;

	(void)state;
	fill(&p);
	waiting = p.us.out_len;
	assert_int_equal(varlink_send(&p.us, msg, p.them), -EBUSY);
	assert_int_equal(p.us.out_len, waiting);
	json_decref(msg);
	pair_close(&p);
}

static void gone_reader(void **state)
{
	struct pair p = pair_open(SOCK_NONBLOCK), q = pair_open(SOCK_NONBLOCK);
	json_t *msg = numbered(0);

	(void)state;
	close(p.them);
	p.them = -1;
	/* An error, and no SIGPIPE. */
	assert_int_equal(varlink_send(&p.us, msg, -1), -EPIPE);
	pair_close(&p);
	fill(&q);
	close(q.them);
	q.them = -1;
	assert_true(varlink_flush(&q.us) < 0);
	assert_true(varlink_send(&q.us, msg, -1) < 0);
	json_decref(msg);
	pair_close(&q);
}

static void ends_half_way(void **state)
{
	int before = open_descriptors();
	struct pair p = pair_open(SOCK_NONBLOCK);
	int fd = dup(p.them);

	(void)state;
	/* With something of everything in it; the leak checker looks on. */
	fill(&p);
	say_with(&p, "{\"n\":", &fd, 1);
	assert_int_equal(varlink_read(&p.us), 1);
	close(fd);
	pair_close(&p);
	assert_int_equal(open_descriptors(), before);
}

/* One that takes more than one read, one that was read with it, none, and none any more. */
static void received(void **state)
{
	static const char second[] = "{\"n\":8}";
	struct pair p = pair_open(SOCK_NONBLOCK);
	char *first = message_of(IN_MAX - 1);
	json_t *msg = NULL;

	(void)state;
	say(&p, first, IN_MAX - 1);
	say(&p, second, sizeof(second));
	for (int n = 7; n <= 8; n++) {
		assert_int_equal(varlink_receive(&p.us, &msg), 1);
		assert_int_equal(json_integer_value(json_object_get(msg, "n")), n);
		json_decref(msg);
	}
	msg = NULL;
	assert_int_equal(varlink_receive(&p.us, &msg), -EAGAIN);
	say(&p, "x", 2);
	assert_int_equal(varlink_receive(&p.us, &msg), -EBADMSG);
	p.them = close_fd(p.them);
	assert_int_equal(varlink_receive(&p.us, &msg), 0);
	assert_null(msg);
	free(first);
	pair_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(split_message),
		cmocka_unit_test(several_in_one_read),
		cmocka_unit_test(longest_message),
		cmocka_unit_test(too_long_message),
		cmocka_unit_test(not_json),
		cmocka_unit_test(deep_nesting),
		cmocka_unit_test(ends),
		cmocka_unit_test(descriptor_comes),
		cmocka_unit_test(descriptors_do_not_pile_up),
		cmocka_unit_test(descriptor_goes),
		cmocka_unit_test(slow_reader),
		cmocka_unit_test(descriptor_behind_a_queue),
		cmocka_unit_test(gone_reader),
		cmocka_unit_test(ends_half_way),
		cmocka_unit_test(received),
	};

	return cmocka_run_group_tests_name("varlink", tests, NULL, NULL);
}
