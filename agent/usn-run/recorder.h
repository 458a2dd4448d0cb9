/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The recorder of one run: a usn record beside the program,
 * which writes a file if the program fails.
 */
#ifndef USN_RECORDER_H
#define USN_RECORDER_H

struct usn_err;

/*
 * Before anything is started: whether this kernel can tell how the program ends, and whether file
 * can be written. Nothing is left behind. ret_path, malloced, is the file's absolute name.
 */
int recorder_check(const char *file, char **ret_path, struct usn_err *e);

struct recorder {
	int run_fd;  /* where it waits for the run's name */
	int said_fd; /* where it says that it is ready */
};

/* Forks it. To be called in the process that becomes the program, before that is in its run. */
int recorder_prepare(const char *device, const char *path, struct recorder *ret, struct usn_err *e);

/* Returns when the run's packets are being recorded. */
int recorder_start(struct recorder *rec, const char *run, struct usn_err *e);

/* One that was not started ends. */
void recorder_done(struct recorder *rec);

#endif
