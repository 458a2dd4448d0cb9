/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The recorder of one run: a usn record beside the program, which writes a file if the program fails. */
#ifndef USN_RECORDER_H
#define USN_RECORDER_H

struct usn_err;

/*
 * Before anything is started: whether this kernel can tell how the program ends, and whether file can be written. Nothing
 * is left behind. ret_path, malloced, is the file's absolute name.
 */
int recorder_check(const char *file, char **ret_path, struct usn_err *e);

/* Returns when the run's packets are being recorded. To be called in the process that becomes the program. */
int recorder_start(const char *device, const char *run, const char *path, struct usn_err *e);

#endif
