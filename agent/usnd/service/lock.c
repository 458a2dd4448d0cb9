// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The lock of the only agent, and who gives way to whom. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "client/varlink.h"
#include "usnd/os/notify.h"
#include "usnd/service/lock.h"

#define LOCK USN_RUN_DIR "/lock"
#define PATIENCE_S 5
#define PAUSE_US 10000
#define ANSWER_MAX 65536 /* bytes */

enum holder { SILENT, HANGS, STAYS, ENDS };

/* It ends if it does not say no, or had begun to end before it could say so. */
static enum holder ask_to_yield(struct varlink *v)
{
	json_t *call = json_pack("{s:s}", "method", "io.usn.Yield"), *answer = NULL;
	int r = call ? varlink_send(v, call, -1) : -ENOMEM;
	bool refused;

	json_decref(call);
	if (r >= 0)
		r = varlink_receive(v, &answer);
	if (r < 0 && r != -EPIPE && r != -ECONNRESET)
		return HANGS;
	refused = json_object_get(answer, "error");
	json_decref(answer);
	return refused ? STAYS : ENDS;
}

/* What the agent that has the lock will do. */
static enum holder ask_holder(void)
{
	const struct timeval patience = { .tv_sec = PATIENCE_S };
	int fd = varlink_connect();
	enum holder holder = STAYS;
	struct varlink v;

	if (fd < 0)
		return SILENT;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	varlink_init(&v, fd, ANSWER_MAX);
	if (notify_wanted())
		holder = ask_to_yield(&v);
	varlink_done(&v);
	return holder;
}

/* An agent that is about to end holds the lock without answering: that one is waited for. */
int lock_take(int *ret_fd, struct usn_err *e)
{
	_cleanup_close_ int fd = -1;
	enum holder holder = SILENT;
	int i;

	if (mkdir(USN_RUN_DIR, 0755) < 0 && errno != EEXIST)
		return usn_fail_errno(e, errno, "cannot make %s", USN_RUN_DIR);
	fd = open(LOCK, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return usn_fail_errno(e, errno, "cannot open %s", LOCK);
	for (i = 0; holder != HANGS && i < PATIENCE_S * 1000000 / PAUSE_US; i++) {
		if (!flock(fd, LOCK_EX | LOCK_NB)) {
			*ret_fd = TAKE_FD(fd);
			return 0;
		}
		holder = ask_holder();
		if (holder == STAYS)
			return usn_fail(e, EALREADY,
					"an agent is running already: it answers at %s",
					USN_SOCKET);
		usleep(PAUSE_US);
	}
	return usn_fail(e, EBUSY, "another agent holds %s but does not answer: end it first", LOCK);
}
