/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A capture as a file, or as several one after the other: a new one after so many bytes or seconds,
 * as tcpdump(8) does it. Each is a pcapng file of its own, with its interfaces,
 * the processes of its packets, and totals at its end.
 *
 * Functions return 0 or -errno.
 * After an error capture_file_written() tells how many packets are safe.
 */
#ifndef USN_CAPTURE_FILE_H
#define USN_CAPTURE_FILE_H

#include <stdint.h>
#include <usn/abi.h>

#include "capture/capture_options.h"

struct capture_file;
struct usn_err;

/*
 * o stays the caller's, and has to be there as long as the capture. The first file is made at once.
 */
int capture_file_open(const struct capture_file_options *o, struct capture_file **ret,
		      struct usn_err *e);
struct capture_file *capture_file_free(struct capture_file *f);

/*
 * An interface whose packets may come from now on, also in the middle of a capture.
 * One that is known already stays.
 */
int capture_file_interface(struct capture_file *f, uint32_t ifindex, const char *name,
			   struct usn_err *e);

/*
 * real_ns: CLOCK_REALTIME of the packet, which also says when it is time for the next file.
 * -ECANCELED: it was time, and rotate_files are full; the packet is in none.
 */
int capture_file_packet(struct capture_file *f, const struct usn_record *rec, uint64_t real_ns,
			struct usn_err *e);

/*
 * An interface's totals so far, in the current file: at the end, or whenever somebody asks.
 * lost: packets of it that were lost since the capture began.
 */
int capture_file_statistics(struct capture_file *f, uint32_t ifindex, uint64_t lost,
			    struct usn_err *e);

/*
 * All that was captured so far is out. Without it a file grows when the writer's buffer is full,
 * and then as at the end of a flush only by whole blocks, so that one that is cut off by a kill
 * ends with the last whole block or in the one behind it.
 */
int capture_file_flush(struct capture_file *f, struct usn_err *e);

/* The descriptor of the file of now. It stays the capture's. */
int capture_file_fd(const struct capture_file *f);

/* Packets that are out, in all files. */
uint64_t capture_file_written(const struct capture_file *f);

#endif
